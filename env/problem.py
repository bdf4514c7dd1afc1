"""One broken model and what is known about it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ordebug.core.errors import InputError

ERROR_TYPES = tuple("ABCDEFGHI")


class RootCause(BaseModel):
    """What was broken.

    Attributes:
        kind: Which part of the model holds the error.
        name: The row, variable or datum at fault.
        touches: Rows or variables whose edit counts as acting on this cause.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Literal["row", "bound", "coefficient", "sense", "vartype", "rhs", "data"]
    name: str
    touches: tuple[str, ...]


class Repairable(BaseModel):
    """Which action sets can make the model feasible and bounded again; None where nothing was proved."""

    model_config = ConfigDict(extra="allow", frozen=True)

    core: bool | None = None
    extended: bool | None = None


class Problem(BaseModel):
    """A problem record, one line of ``problems.jsonl``.

    Attributes:
        problem_id: Unique within its set.
        model_file: The broken model, relative to the set's folder.
        clean_model_file: The model before it was broken, likewise.
        error_type: A to I; see ``docs/environment.md``.
        family: What kind of model it is.
        description: What each row is for and its limit, in words.
        root_cause: The injected errors.
        repair: Actions, in canonical text, that give back the clean model's matrix.
        repairable: What was proved about the action sets.
        fewest_actions: The least number of actions that make the model feasible and bounded, proved; None where nothing
            was proved. Success within fewer steps cannot be reached and is not measured.
        core_repair: Core actions, as few as can be, that make the model feasible and bounded; empty where none do.
        hard: Whether it was proved hard: see ``docs/environment.md``.
        original_objective: Optimal value of the clean model.
        protected: Rows that may not be dropped or relaxed.
        base_id: Problems made from one clean model share it; statistics cluster by it.
        seed: What the generator drew from.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    problem_id: str = Field(min_length=1)
    model_file: str = Field(min_length=1)
    clean_model_file: str | None = None
    error_type: str | None = None
    family: str | None = None
    description: str | None = None
    root_cause: tuple[RootCause, ...] = ()
    repair: tuple[str, ...] = ()
    repairable: Repairable = Repairable()
    fewest_actions: int | None = Field(default=None, ge=1)
    core_repair: tuple[str, ...] = ()
    hard: bool = False
    original_objective: float | None = None
    protected: tuple[str, ...] = ()
    base_id: str | None = None
    seed: int | None = None

    @property
    def cluster(self) -> str:
        """The group this problem is statistically dependent with."""
        return self.base_id or self.problem_id

    @property
    def touched(self) -> frozenset[str]:
        """Every row or variable whose edit counts as acting on a cause."""
        return frozenset(name for cause in self.root_cause for name in (cause.name, *cause.touches))


def parse_problem(row: dict[str, Any], place: str) -> Problem:
    """A problem record from JSON.

    Raises:
        InputError: If a field is missing or of the wrong kind; the message names ``place`` and the field.
    """
    try:
        return Problem.model_validate(row)
    except ValidationError as error:
        raise InputError(
            f"{place}: not a problem record: {explain(error)}.", "See Problem in env/problem.py."
        ) from None


def explain(error: ValidationError) -> str:
    """The first complaint of a pydantic error in one line."""
    first = error.errors(include_url=False)[0]
    return f"field {'.'.join(map(str, first['loc'])) or '(whole row)'}: {first['msg']}"
