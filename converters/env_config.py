"""``env_config`` of a GRPO row: all that the environment needs to stand where the prompt does, and no answer.

Its values are texts and numbers, the same keys in every row, because Arrow fixes a file's columns by its first rows.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ordebug.core.errors import InputError
from ordebug.env.action import Action, ActionSet, InvalidAction, InvalidReason
from ordebug.env.observation import Observation
from ordebug.env.problem import explain
from ordebug.env.renderer import Message, Profile, render
from ordebug.env.repair_env import Rules
from ordebug.env.reply import parse_action
from ordebug.env.solvers.model import SolverName

NAME = "ordebug"
INVALID = "!"
"""What begins the text of an earlier reply that was no action, before its reason."""


class EnvConfig(BaseModel):
    """Where a prompt stands.

    Attributes:
        name: What ms-swift knows the environment by.
        problems: The problem set's folder.
        profile: How much of the state prompts show.
        actions: The action set.
        max_steps: Decisions an episode may take, those of the past among them.
        max_prompt_tokens: Budget of a prompt.
        auto_submit: Whether an episode ends by itself once the model is feasible and bounded.
        solver: Which solver judges.
        past: Decisions before the prompt, a JSON list of texts; see :func:`told`.
        prompt_sha256: Digest of the prompt, so that a problem set that has changed is noticed; empty: not checked.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Literal["ordebug"] = "ordebug"
    problems: Path
    profile: Profile = "algebra"
    actions: ActionSet = "core"
    max_steps: int = Field(default=20, ge=1)
    max_prompt_tokens: int = Field(default=2048, ge=1)
    auto_submit: bool = True
    solver: SolverName = "auto"
    past: str = "[]"
    prompt_sha256: str = ""

    @property
    def rules(self) -> Rules:
        """What an episode allows."""
        return Rules(self.actions, self.max_steps, self.auto_submit, self.solver)

    def decisions(self) -> tuple[Action | InvalidAction, ...]:
        """The past.

        Raises:
            InputError: If it cannot be read.
        """
        try:
            texts = json.loads(self.past)
        except ValueError:
            texts = None
        if not isinstance(texts, list):
            raise _unreadable("past", self.past)
        return tuple(_decision(text, self.actions) for text in texts)

    def messages(self, observation: Observation) -> list[Message]:
        """The prompt that shows a state, with the steps that are left of all."""
        left = replace(observation, steps_left=self.max_steps - len(observation.past))
        return render(left, self.profile, self.actions, self.max_prompt_tokens)


def read_env_config(found: Any) -> EnvConfig:
    """The column of a row.

    Raises:
        InputError: If it is not one.
    """
    try:
        return EnvConfig.model_validate(found)
    except ValidationError as error:
        raise InputError(
            f"env_config: {explain(error)}.", "Write the prompts with ordebug grpo-data and train on that file."
        ) from None


def told(action: str | None, outcome: str) -> str:
    """A step of an episode as ``past`` writes it: the action, or ``!`` and the reason why the reply was none."""
    return action if action is not None else f"{INVALID}{outcome}"


def _decision(text: Any, actions: ActionSet) -> Action | InvalidAction:
    if not isinstance(text, str):
        raise _unreadable("past", text)
    reason = text.removeprefix(INVALID)
    if text.startswith(INVALID):
        for known in get_args(InvalidReason):
            if known == reason:
                return InvalidAction(known)
        raise _unreadable("past", text)
    action = parse_action(text, actions)
    if isinstance(action, InvalidAction):
        raise _unreadable("past", text)
    return action


def _unreadable(field: str, found: Any) -> InputError:
    return InputError(f"env_config: {field} cannot be read: {str(found)[:80]!r}.", "Write the prompts again.")
