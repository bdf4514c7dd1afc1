"""Replies to a GRPO prompt, judged: the state is rebuilt from the row, so that any worker process can do it."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ordebug.converters.env_config import EnvConfig
from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.env.observation import Observation
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.renderer import Message, messages_sha256
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reply import split_think
from ordebug.eval.attempt import PolicyReply

MOST_OPEN, MOST_PROVED = 16, 10_000
"""Problems that a worker keeps open, and prompts that it knows to be those of their states."""

Key = tuple[Path, str, Rules]
_open: OrderedDict[Key, RepairEnv] = OrderedDict()
_proved: set[tuple[EnvConfig, str, str]] = set()


@dataclass(frozen=True)
class Decisions:
    """Replies to one prompt, the first to the prompt itself, each further one to the state that it led to.

    Attributes:
        problem: The problem's id.
        config: Where the prompt stands.
        replies: What was written.
        horizon: After how many replies the episode ends, if not before.
        prompt_sha256: Digest of the prompt that was answered; empty: not checked.
        shown: Whether the state that the replies led to is to be shown; a single decision's is not.
    """

    problem: str
    config: EnvConfig
    replies: tuple[PolicyReply, ...]
    horizon: int = 1
    prompt_sha256: str = ""
    shown: bool = False


@dataclass(frozen=True)
class Standing:
    """Where an episode stands.

    Attributes:
        messages: The next prompt, after the end the last state; empty unless it was to be shown.
        total: The return so far (``env/reward.py``); final once it is done.
        done: Whether the episode has ended.
        info: Of the last reply, what ``RepairEnv.step`` says; empty before the first.
        actions: Each reply's action, None where it was none.
        thoughts: The state of each reply's thought.
    """

    messages: list[Message]
    total: float = 0.0
    done: bool = False
    info: dict[str, Any] = field(default_factory=dict)
    actions: tuple[str | None, ...] = ()
    thoughts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unjudged:
    """Why replies could not be judged: nobody is scored for it."""

    why: str


Verdict = Standing | Unjudged


def judge_all(items: Sequence[Decisions]) -> list[Verdict]:
    """Judges each; a solver that fails leaves that item unjudged.

    Raises:
        InputError: If the problems are not those the prompts were made of.
        LicenceError: If there is no licence: then nothing at all can be judged.
    """
    return [_judged(item) for item in items]


def _judged(item: Decisions) -> Verdict:
    try:
        return judge(item)
    except LicenceError:
        raise
    except SolverError as error:
        return Unjudged(error.message)


def judge(item: Decisions) -> Standing:
    """Carries out the replies from the prompt on.

    Raises:
        InputError: If the prompt is not that of the state.
        SolverError: If the solver failed.
    """
    past = item.config.decisions()
    steps = min(item.config.max_steps, len(past) + item.horizon)
    env = _environment((item.config.problems, item.problem, replace(item.config.rules, max_steps=steps)))
    observation, _ = env.reset(past)
    _prove(item, observation)
    total, done = 0.0, False
    info: dict[str, Any] = {}
    actions: list[str | None] = []
    for reply in item.replies:
        if done:
            break
        observation, reward, _, _, info = env.step(reply.text, truncated=reply.truncated)
        total, done = total + reward, info["stop"] is not None
        actions.append(info["action"])
    thoughts = tuple(split_think(reply.text)[1] for reply in item.replies[: len(actions)])
    messages = item.config.messages(observation) if item.shown else []
    return Standing(messages, total, done, info, tuple(actions), thoughts)


def _prove(item: Decisions, observation: Observation) -> None:
    """Holds the prompt that was answered to the state; once for all samples, as rendering takes most of the time."""
    prompt = (item.config, item.problem, item.prompt_sha256)
    if not item.prompt_sha256 or prompt in _proved:
        return
    if messages_sha256(item.config.messages(observation)) != item.prompt_sha256:
        raise InputError(
            f"problem {item.problem!r}: the prompt that was answered is not the one of its state.",
            "The problems or ordebug changed since the prompts were made: run ordebug grpo-data again.",
        )
    if len(_proved) >= MOST_PROVED:
        _proved.clear()
    _proved.add(prompt)


def _environment(key: Key) -> RepairEnv:
    """The problem's environment, kept open: the samples of a group, and the turns of an episode, share its solves."""
    if key not in _open:
        folder, problem_id, rules = key
        problems = _problems(folder)
        _open[key] = RepairEnv(problems.get(problem_id), problems, rules)
    _open.move_to_end(key)
    while len(_open) > MOST_OPEN:
        _open.popitem(last=False)[1].close()
    return _open[key]


@lru_cache(maxsize=4)
def _problems(folder: Path) -> ProblemSet:
    return read_problem_set(folder)
