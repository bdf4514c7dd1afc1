"""What happened when a policy worked on a problem."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_rows
from ordebug.env.problem import explain

StopReason = Literal["recovered", "submitted", "max_steps", "truncated", "error"]
"""Why an episode ended.

* ``recovered``: the model became feasible and bounded.
* ``submitted``: the policy gave SUBMIT().
* ``max_steps``: no step was left.
* ``truncated``: a reply was cut off by its token limit.
* ``error``: the solver or the server failed; never scored as the model's fault.
"""


class Step(BaseModel):
    """One decision.

    Attributes:
        messages_sha256: Digest of the messages shown (``env/renderer.py``), so that a prompt can be proved equal.
        reply: The policy's text, as it came.
        action: Canonical text of the action, None where the reply gave none.
        outcome: ``applied``, ``shown``, ``submitted``, or the reason why the reply was not an action.
        status: The solver's status after the step.
        iis_rows: Rows of the conflict that was shown before the step.
        iis_bounds: Variables whose bounds stood in it.
        tokens: Tokens of the reply, None where the policy cannot tell.
        seconds: Wall-clock time of the environment's part of the step.
        prompt_tokens: Tokens of the prompt, None where the policy cannot tell.
        reply_seconds: Wall-clock time until the reply had come, None where replies come in rounds or cost nothing.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    messages_sha256: str
    reply: str
    action: str | None
    outcome: str
    status: str
    iis_rows: tuple[str, ...]
    iis_bounds: tuple[str, ...] = ()
    tokens: int | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
    reply_seconds: float | None = None


class Episode(BaseModel):
    """One attempt at one problem, one line of ``episodes.jsonl``.

    Attributes:
        sample: Which of several attempts of the same policy at the problem this is.
        objective: Optimal value of the model as it was left, None unless it was feasible and bounded.
        reward: The episode's return (``env/reward.py``), None where the episode ended in ``error``.
        reward_terms: What the return is made of.
        solver: Which solver held the model, None where it could not be read.
        seconds: Wall-clock time of the whole episode, None where episodes are played in rounds.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    problem_id: str
    base_id: str | None = None
    error_type: str | None = None
    sample: int = 0
    policy: str
    steps: tuple[Step, ...]
    stop: StopReason
    objective: float | None = None
    reward: float | None = None
    reward_terms: dict[str, float | str | None] | None = None
    solver: str | None = None
    error: str | None = None
    seconds: float | None = None

    @property
    def recovered(self) -> bool:
        """Whether the model was left feasible and bounded."""
        return self.objective is not None


def read_episodes(path: Path) -> Iterator[Episode]:
    """Yields the episodes of a file.

    Raises:
        InputError: If a line is not an episode.
    """
    for number, row in read_rows(path, "an episodes file"):
        try:
            yield Episode.model_validate(row)
        except ValidationError as error:
            place = f"{path}:{number}"
            raise InputError(f"{place}: not an episode: {explain(error)}.", "See env/episode.py.") from None
