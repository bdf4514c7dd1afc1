"""The one reward: a tier for how the episode ended, less a little for each step.

The tiers stand further apart than the step costs can bridge, so that no number of steps turns a worse ending into a
better one. Reward version 1 has no progress term yet: endings alone are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from ordebug.env.action import InvalidReason

REWARD_VERSION = 1
OBJECTIVE_KEPT = 0.95
STEP_COST, MOST_STEP_COST = 0.005, 0.1
TIERS = {
    "malformed": -0.9,
    "bad_target": -0.6,
    "submitted_infeasible": -0.3,
    "not_recovered": 0.0,
    "recovered": 0.3,
    "objective_kept": 0.6,
    "equivalent": 0.9,
}
BAD_TARGET: tuple[InvalidReason, ...] = ("unknown_target", "protected")
INVALID = get_args(InvalidReason)


@dataclass(frozen=True)
class Ending:
    """How an episode ended.

    Attributes:
        outcomes: Each step's outcome.
        objective: Optimal value of the repaired model, None unless it is feasible and bounded.
        clean_objective: Optimal value of the clean model, None where it is not known.
        identical: Whether the repaired model is the clean one, None where that is not known.
    """

    outcomes: Sequence[str]
    objective: float | None
    clean_objective: float | None
    identical: bool | None


def optimality_preserved(objective: float | None, clean: float | None) -> float | None:
    """OP = 1 - |z - z0| / max(1, |z0|), clipped to [0, 1]; 0 without a repair, None without z0."""
    if clean is None:
        return None
    if objective is None:
        return 0.0
    return min(1.0, max(0.0, 1 - abs(objective - clean) / max(1.0, abs(clean))))


def reward_terms(ending: Ending) -> dict[str, float | str]:
    """The return and what it is made of: ``tier``, ``tier_value``, ``steps`` and their sum ``total``."""
    tier = _tier(ending)
    steps = -min(MOST_STEP_COST, STEP_COST * len(ending.outcomes))
    return {"tier": tier, "tier_value": TIERS[tier], "steps": steps, "total": TIERS[tier] + steps}


def _tier(ending: Ending) -> str:
    if ending.objective is None:
        return _unrepaired_tier(ending.outcomes)
    kept = optimality_preserved(ending.objective, ending.clean_objective)
    if kept is None or kept < OBJECTIVE_KEPT:
        return "recovered"
    return "equivalent" if ending.identical else "objective_kept"


def _unrepaired_tier(outcomes: Sequence[str]) -> str:
    """The worst of its replies decides what an unrepaired episode is worth."""
    if any(outcome in INVALID and outcome not in BAD_TARGET for outcome in outcomes):
        return "malformed"
    if any(outcome in BAD_TARGET for outcome in outcomes):
        return "bad_target"
    return "submitted_infeasible" if "submitted" in outcomes else "not_recovered"
