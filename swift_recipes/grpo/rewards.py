"""Reward functions for ms-swift. The outcome is the environment's return; format and thought are rewards of their own.

A row that a multi-turn scheduler played carries its return; any other row is a prompt of one decision, and is judged
here. What the solver could not judge gets None.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from swift.rewards import ORM, AsyncORM

from ordebug.converters.env_config import read_env_config
from ordebug.core.errors import InputError
from ordebug.env.action import Action
from ordebug.env.renderer import Message, messages_sha256
from ordebug.env.reply import parse_reply
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo.decision import Decisions, Standing
from ordebug.swift_recipes.grpo.judges import shared_judges

FORMAT_WEIGHT = THINK_WEIGHT = 0.02
"""In the sum: so little that together they bridge no two tiers of a single decision."""

Columns = dict[str, Sequence[Any]]
Rewards = list[float | None]


class OrdebugOutcome(AsyncORM):  # type: ignore[misc]
    """The return of the episode (``env/reward.py``), None where it could not be judged or is counted elsewhere."""

    async def __call__(self, completions: Sequence[str], **columns: Any) -> Rewards:
        """One value a completion, within -1 and 1."""
        played = _played(columns, len(completions))
        if any(played):
            return [None if _counted_as_gym_reward(self.args) else _return(infos) for infos in played]
        return await _judged(completions, columns)


class OrdebugFormat(ORM):  # type: ignore[misc]
    """1 for a reply that is one well-formed action, else 0; of several turns their mean."""

    def __call__(self, completions: Sequence[str], **columns: Any) -> Rewards:
        """One value a completion."""
        return [_mean(flags) for flags in _well_formed(completions, columns)]


class OrdebugThink(ORM):  # type: ignore[misc]
    """1 for a reply that begins with one thought with text in it, else 0; of several turns their mean."""

    def __call__(self, completions: Sequence[str], **columns: Any) -> Rewards:
        """One value a completion."""
        return [_mean(flags) for flags in _thoughtful(completions, columns)]


class OrdebugSum(AsyncORM):  # type: ignore[misc]
    """The outcome and a little for format and thought, as one reward; None where there is no outcome."""

    async def __call__(self, completions: Sequence[str], **columns: Any) -> Rewards:
        """One value a completion."""
        outcomes = await OrdebugOutcome(self.args)(completions, **columns)
        if _counted_as_gym_reward(self.args) and any(_played(columns, len(completions))):
            outcomes = [0.0] * len(completions)
        extras = zip(_well_formed(completions, columns), _thoughtful(completions, columns), strict=True)
        return [
            None if outcome is None else outcome + FORMAT_WEIGHT * _mean(formed) + THINK_WEIGHT * _mean(thought)
            for outcome, (formed, thought) in zip(outcomes, extras, strict=True)
        ]


REWARDS = {
    "ordebug_outcome": OrdebugOutcome,
    "ordebug_format": OrdebugFormat,
    "ordebug_think": OrdebugThink,
    "ordebug_sum": OrdebugSum,
}


async def _judged(completions: Sequence[str], columns: Columns) -> Rewards:
    """The returns of single decisions; the completions of one prompt are judged together."""
    items = _decisions(completions, columns)
    groups: dict[tuple[str, str], list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault((item.problem, item.config.past), []).append(place)
    found = await shared_judges().judge([[items[place] for place in places] for places in groups.values()])
    rewards: Rewards = [None] * len(items)
    for places, verdicts in zip(groups.values(), found, strict=True):
        for place, verdict in zip(places, verdicts, strict=True):
            rewards[place] = verdict.total if isinstance(verdict, Standing) else None
    return rewards


def _decisions(completions: Sequence[str], columns: Columns) -> list[Decisions]:
    """One a completion; what the samples of a prompt, which stand together, have in common is read and sent once."""
    rows = list(
        zip(_column(columns, "problem"), _column(columns, "env_config"), map(_prompt, columns["messages"]), strict=True)
    )
    items: list[Decisions] = []
    for (problem, config, prompt), places in groupby(range(len(rows)), rows.__getitem__):
        common = Decisions(problem, read_env_config(config), (), prompt_sha256=messages_sha256(prompt))
        replies = (PolicyReply(completions[place], truncated=_cut_off(columns, place)) for place in places)
        items += [replace(common, replies=(reply,)) for reply in replies]
    return items


def _prompt(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message["role"] in ("system", "user")]


def _well_formed(completions: Sequence[str], columns: Columns) -> list[list[bool]]:
    """Of each completion, whether each turn's reply is an action."""
    return [
        [action is not None for action in infos["actions"]]
        if "actions" in infos
        else [_is_action(text, columns, place)]
        for place, (text, infos) in enumerate(zip(completions, _played(columns, len(completions)), strict=True))
    ]


def _is_action(text: str, columns: Columns, place: int) -> bool:
    actions = read_env_config(_column(columns, "env_config")[place]).actions
    return isinstance(parse_reply(text, actions, truncated=_cut_off(columns, place)).action, Action)


def _thoughtful(completions: Sequence[str], columns: Columns) -> list[list[bool]]:
    """Of each completion, whether each turn's thought is valid."""
    return [
        [state == "valid" for state in infos.get("thoughts", [parse_reply(text).think_state])]
        for text, infos in zip(completions, _played(columns, len(completions)), strict=True)
    ]


def _played(columns: Columns, count: int) -> list[dict[str, Any]]:
    """What a multi-turn scheduler told of each row, empty where none played it."""
    told = columns.get("rollout_infos") or [{}] * count
    return [infos if infos and "total_reward" in infos else {} for infos in told]


def _return(infos: dict[str, Any]) -> float | None:
    value = infos.get("total_reward")
    return None if value is None or math.isnan(value) else float(value)


def _counted_as_gym_reward(args: Any) -> bool:
    """Whether ms-swift adds the return itself, as ``gym_reward``; without vLLM it never does, whatever is asked."""
    if not getattr(args, "use_vllm", False):
        return False
    asked = getattr(args, "use_gym_env", None)
    return getattr(args, "vllm_mode", None) == "server" if asked is None else bool(asked)


def _cut_off(columns: Columns, place: int) -> bool:
    return bool(columns["is_truncated"][place]) if "is_truncated" in columns else False


def _column(columns: Columns, name: str) -> Sequence[Any]:
    if name not in columns:
        raise InputError(f"the rows have no column {name!r}.", "Train on a file that ordebug grpo-data wrote.")
    return columns[name]


def _mean(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
