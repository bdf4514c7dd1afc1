"""The thresholds of the gate, from YAML, each with its reason."""

from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ordebug.core.errors import InputError, existing_file
from ordebug.env.problem import explain

DEFAULT_THRESHOLDS = Path(__file__).with_name("thresholds.yaml")

CheckName = Literal[
    "action_valid",
    "think_valid",
    "think_empty",
    "think_missing",
    "think_truncated",
    "rr_at_5",
    "headroom",
    "zero_variance_groups",
    "zero_variance_filtered",
    "prompts_left",
    "reward_spread",
    "entropy",
    "forgetting",
]
CHECKS: tuple[CheckName, ...] = get_args(CheckName)


class Threshold(BaseModel):
    """What one check asks.

    Attributes:
        min: The least value that holds.
        max: The greatest; exactly one of the two is given.
        required: Whether a value that was not measured fails.
        why: Why it stands where it does.
        fix: What to do where it fails.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    min: float | None = None
    max: float | None = None
    required: bool = True
    why: str = Field(min_length=1)
    fix: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_side(self) -> "Threshold":
        if (self.min is None) == (self.max is None):
            raise ValueError("give either min or max")
        return self

    @property
    def text(self) -> str:
        """For a table."""
        return f">= {self.min:g}" if self.min is not None else f"<= {self.max:g}"

    def holds(self, value: float) -> bool:
        """Whether a value is within it."""
        return value >= self.min if self.min is not None else value <= (self.max or 0.0)


class Thresholds(BaseModel):
    """The gate's configuration.

    Attributes:
        group_size: ``num_generations`` that is planned.
        checks: By name; a check that is left out is not made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    group_size: int = Field(ge=2)
    checks: dict[CheckName, Threshold] = Field(min_length=1)


def read_thresholds(path: Path = DEFAULT_THRESHOLDS) -> Thresholds:
    """The thresholds of a file.

    Raises:
        InputError: If it is missing, not YAML, or not thresholds.
    """
    try:
        found = yaml.safe_load(existing_file(path, "thresholds of the gate").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({error}).", f"Begin with a copy of {DEFAULT_THRESHOLDS}.") from None
    try:
        return Thresholds.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error)}.", f"Begin with a copy of {DEFAULT_THRESHOLDS}.") from None
