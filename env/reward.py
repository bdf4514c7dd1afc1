"""The one reward: a tier for how the episode ended, a little for how near it came, less a little for each step.

return = tier + 0.1 * (Phi(end) - Phi(start)) / |Phi(start)| - 0.005 * steps

Phi is minus the least total violation that makes the model feasible (``env/judge.py``). The middle term depends on the
episode's two ends alone, as a potential-based shaping term does (Ng, Harada and Russell, 1999), so no loop pays. It
stays in the return, as does the cost of steps: the reward is not policy-invariant, and is not meant to be.

The tiers stand further apart than the rest can bridge. Before a repair the rest lies within -0.2 and 0.1 and the tiers
0.3 apart; after one the progress is all of 0.1, so that the rest lies within 0 and 0.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from ordebug.env.action import InvalidReason
from ordebug.env.equivalence import Verdict

REWARD_VERSION = 2
OBJECTIVE_KEPT = 0.95
PROGRESS_WEIGHT = 0.1
STEP_COST, MOST_STEP_COST = 0.005, 0.1
TIERS = {
    "malformed": -0.8,
    "bad_target": -0.5,
    "submitted_infeasible": -0.2,
    "not_recovered": 0.1,
    "recovered": 0.3,
    "objective_kept": 0.6,
    "equivalent": 0.9,
}
BAD_TARGET: tuple[InvalidReason, ...] = ("unknown_target", "protected")
INVALID = get_args(InvalidReason)


class Terms(TypedDict):
    """The return and what it is made of.

    Attributes:
        tier: The name of the tier.
        tier_value: What it is worth.
        progress: Weighted, within -0.1 and 0.1.
        steps: Their cost, negative.
        total: The sum of the three: the return.
        judged_by: The finest thing that the problem lets be told apart: ``feasible_set`` with a clean model,
            ``objective`` with its optimum alone, else ``outcome``.
        equivalence: The verdict on the feasible set, None where there was none.
    """

    tier: str
    tier_value: float
    progress: float
    steps: float
    total: float
    judged_by: Literal["feasible_set", "objective", "outcome"]
    equivalence: Verdict | None


@dataclass(frozen=True)
class Ending:
    """How an episode ended.

    Attributes:
        outcomes: Each step's outcome.
        objective: Optimal value of the repaired model, None unless it is feasible and bounded.
        clean_objective: Optimal value of the clean model, None where it is not known.
        equivalence: Whether the repaired model allows the same points as the clean one; None where there is no clean
            model, and where the question did not arise: not repaired, or the objective lost.
        progress: (Phi(end) - Phi(start)) / |Phi(start)|; 1 for a feasible model.
        has_clean_model: Whether the problem stores it.
    """

    outcomes: Sequence[str]
    objective: float | None
    clean_objective: float | None
    equivalence: Verdict | None
    progress: float
    has_clean_model: bool


def optimality_preserved(objective: float | None, clean: float | None) -> float | None:
    """OP = 1 - |z - z0| / max(1, |z0|), clipped to [0, 1]; 0 without a repair, None without z0."""
    if clean is None:
        return None
    if objective is None:
        return 0.0
    return min(1.0, max(0.0, 1 - abs(objective - clean) / max(1.0, abs(clean))))


def may_be_equivalent(objective: float | None, clean: float | None) -> bool:
    """Whether a proof of equivalence is worth its solves: a lost objective already shows another feasible set."""
    kept = optimality_preserved(objective, clean)
    return objective is not None and (kept is None or kept >= OBJECTIVE_KEPT)


def step_cost(steps: int) -> float:
    """What so many decisions cost, as a negative number."""
    return -min(MOST_STEP_COST, STEP_COST * steps)


def reward_terms(ending: Ending) -> Terms:
    """The return of an episode that ended so, with its terms."""
    tier, steps = _tier(ending), step_cost(len(ending.outcomes))
    progress = PROGRESS_WEIGHT * min(1.0, max(-1.0, ending.progress))
    return {
        "tier": tier,
        "tier_value": TIERS[tier],
        "progress": progress,
        "steps": steps,
        "total": TIERS[tier] + progress + steps,
        "judged_by": _judged_by(ending),
        "equivalence": ending.equivalence,
    }


def _judged_by(ending: Ending) -> Literal["feasible_set", "objective", "outcome"]:
    if ending.has_clean_model:
        return "feasible_set"
    return "outcome" if ending.clean_objective is None else "objective"


def _tier(ending: Ending) -> str:
    if ending.objective is None:
        return _unrepaired_tier(ending.outcomes)
    if ending.equivalence == "equivalent":
        return "equivalent"
    kept = optimality_preserved(ending.objective, ending.clean_objective)
    return "recovered" if kept is None or kept < OBJECTIVE_KEPT else "objective_kept"


def _unrepaired_tier(outcomes: Sequence[str]) -> str:
    """The worst of its replies decides what an unrepaired episode is worth."""
    if any(outcome in INVALID and outcome not in BAD_TARGET for outcome in outcomes):
        return "malformed"
    if any(outcome in BAD_TARGET for outcome in outcomes):
        return "bad_target"
    return "submitted_infeasible" if "submitted" in outcomes else "not_recovered"
