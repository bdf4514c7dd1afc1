"""The environment for TRL's ``GRPOTrainer``: an ``environment_factory`` whose methods are the actions, and its reward.

::

    rows = load_dataset("json", data_files="grpo.jsonl", split="train").rename_column("messages", "prompt")
    GRPOTrainer(model, reward_funcs=episode_return, train_dataset=rows, environment_factory=tool_environment("core"))

A row is one that ``ordebug grpo-data`` wrote. TRL makes the tools' schemas of the methods' names, types and docstrings,
which come from ``env/action.py`` and ``env/tools.py``. This module imports nothing of TRL.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import Parameter as Argument
from inspect import Signature
from typing import Any, Literal

from ordebug.converters.env_config import read_env_config
from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.env.action import ACTION_SETS, SPECS, ActionSet, Parameter
from ordebug.env.arguments import NUMERIC
from ordebug.env.renderer import messages_sha256
from ordebug.env.tools import CLOSE, DESCRIPTIONS, KEYS, OPEN
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo.decision import Decisions, Standing, judge

MEANINGS = {
    Parameter.ROW: "A row.",
    Parameter.VARIABLE: "A variable.",
    Parameter.AMOUNT: "By how much, more than 0.",
    Parameter.NUMBER: "The new value.",
    Parameter.LOWER: "The new lower bound.",
    Parameter.UPPER: "The new upper bound.",
    Parameter.TYPE: "C, I or B.",
}


class ToolEnvironment:
    """One episode at a time, played with tools; ``tool_environment`` adds a method for each action."""

    _actions: ActionSet

    def reset(self, **row: Any) -> None:
        """Stands where the row's prompt does; the prompt shows it, so nothing is added to it.

        Args:
            **row: The columns ``prompt``, ``problem`` and ``env_config``; others are not looked at.

        Raises:
            InputError: If the row is not one that ``ordebug grpo-data`` wrote, of this action set.
            SolverError: If the solver failed.
        """
        lacking = [name for name in ("prompt", "problem", "env_config") if row.get(name) is None]
        if lacking:
            raise InputError(
                f"the row has no column {lacking[0]!r}.",
                "Train on a file that ordebug grpo-data wrote, with its column messages renamed to prompt.",
            )
        config = read_env_config(row["env_config"])
        if config.actions != self._actions:
            raise InputError(
                f"the prompts offer the actions {config.actions}, the tools {self._actions}.",
                f"Give environment_factory=tool_environment({config.actions!r}).",
            )
        self._item = Decisions(row["problem"], config, (), config.max_steps, messages_sha256(row["prompt"]), shown=True)
        self._standing: Standing = judge(self._item)
        self._error: SolverError | None = None

    def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Takes a tool call, read by the parser of all replies, and shows the state."""
        call = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
        self._take(PolicyReply(f"{OPEN}\n{call}\n{CLOSE}"))
        state = self._standing.messages[1]["content"]
        return f"{state}\nThe episode has ended: {self._standing.info['stop']}." if self._standing.done else state

    def _take(self, reply: PolicyReply, *, last: bool = False) -> None:
        if self._standing.done:
            raise RuntimeError("the episode has ended: no tool changes anything any more")
        replies = (*self._item.replies, reply)
        item = replace(self._item, replies=replies, horizon=len(replies) if last else self._item.horizon)
        try:
            self._standing = judge(item)
        except SolverError as error:
            self._error = error
            raise
        self._item = item

    def _return(self, completion: Sequence[Mapping[str, Any]]) -> float | None:
        """The return. A rollout that the model ended before the episode's end ends it with the last text it wrote."""
        try:
            if self._error is None and not self._standing.done:
                self._take(_last_reply(completion), last=True)
        except SolverError as error:
            self._error = error
        if isinstance(self._error, LicenceError):
            raise self._error
        return self._standing.total if self._error is None else None


def tool_environment(actions: ActionSet) -> type[ToolEnvironment]:
    """The ``environment_factory`` of an action set.

    TRL's tools are the public methods of a class but ``reset``; here they bear the actions' own names.
    """
    methods = {name: _method(name) for name in ACTION_SETS[actions]}
    return type("RepairTools", (ToolEnvironment,), {"_actions": actions, **methods})


def episode_return(
    completions: Sequence[Sequence[Mapping[str, Any]]], environments: Sequence[ToolEnvironment], **columns: Any
) -> list[float | None]:
    """The reward function: each episode's return (``env/reward.py``), None where the solver could not judge it.

    Raises:
        LicenceError: If there is no licence: then nothing at all can be judged.
    """
    return [environment._return(completion) for environment, completion in zip(environments, completions, strict=True)]


def _last_reply(completion: Sequence[Mapping[str, Any]]) -> PolicyReply:
    """The text that no tool call follows; where a call was never carried out, the rollout was cut off."""
    last = completion[-1]
    cut_off = last.get("role") != "assistant" or bool(last.get("tool_calls"))
    return PolicyReply("" if cut_off else str(last.get("content") or ""), truncated=cut_off)


def _method(name: str) -> Callable[..., str]:
    """An action as a method with a signature and a docstring, of which TRL makes the tool's schema."""

    def call(self: ToolEnvironment, **arguments: Any) -> str:
        return self._call(name, arguments)

    spec = SPECS[name]
    required = len(spec.parameters) - spec.optional
    arguments = [
        Argument(
            KEYS[parameter],
            Argument.POSITIONAL_OR_KEYWORD,
            annotation=_type(parameter),
            default=Argument.empty if number < required else None,
        )
        for number, parameter in enumerate(spec.parameters)
    ]
    meanings = [f"    {KEYS[parameter]}: {MEANINGS[parameter]}" for parameter in spec.parameters]
    returns = ["Returns:", "    The model as it then stands."]
    call.__name__ = call.__qualname__ = name
    call.__doc__ = "\n".join([DESCRIPTIONS[name], "", *(["Args:", *meanings, ""] if meanings else []), *returns])
    call.__annotations__ = {argument.name: argument.annotation for argument in arguments} | {"return": str}
    itself = Argument("self", Argument.POSITIONAL_OR_KEYWORD)
    call.__signature__ = Signature([itself, *arguments], return_annotation=str)  # type: ignore[attr-defined]
    return call


def _type(parameter: Parameter) -> Any:
    if parameter is Parameter.TYPE:
        return Literal["C", "I", "B"]
    return float if parameter in NUMERIC else str
