"""What is measured: one small function a metric, from an episode to a value, or to None where it does not apply.

An episode that ended in ``error`` is unscored: it enters no mean and is counted apart.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from ordebug.env.action import Action, ActionSet
from ordebug.env.episode import Episode
from ordebug.env.problem import Problem
from ordebug.env.renderer import safe
from ordebug.env.reply import ThinkState, parse_action, split_think
from ordebug.env.reward import OBJECTIVE_KEPT, optimality_preserved
from ordebug.eval.quality import Quality

METRICS_VERSION = 4
"""Raised whenever a metric's definition changes."""

SUCCESS_HORIZONS = (1, 5, 10)


@dataclass(frozen=True)
class Case:
    """An episode with what its metrics need.

    Attributes:
        episode: The episode; it did not end in ``error``.
        problem: Its problem.
        actions: The action set.
        horizon: How many decisions it was allowed.
        auto_submit: Whether the episode ended by itself once the model was feasible and bounded.
        quality: What further solves found out about its repair, None until they were made, and without a repair.
        assessed: Whether the run's repairs were measured.
    """

    episode: Episode
    problem: Problem
    actions: ActionSet
    horizon: int
    auto_submit: bool = True
    quality: Quality | None = None
    assessed: bool = False

    @property
    def fewest_steps(self) -> int:
        """No episode of this problem recovers in fewer; 1 where the problem does not say."""
        fewest = self.problem.fewest_actions or 1
        if self.actions == "extended" and self.problem.repair:
            fewest = min(fewest, len(self.problem.repair))  # proved of core actions, where those can repair
        return fewest + (not self.auto_submit)

    @cached_property
    def decisions(self) -> list[tuple[Action, str]]:
        """The well-formed actions, each with its outcome."""
        read = [(parse_action(step.action, self.actions), step.outcome) for step in self.episode.steps if step.action]
        return [(action, outcome) for action, outcome in read if isinstance(action, Action)]

    @cached_property
    def thoughts(self) -> list[ThinkState]:
        """The state of each reply's thought."""
        return [split_think(step.reply)[1] for step in self.episode.steps]


Measure = Callable[[Case], float | None]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        measure: Its value on one episode.
        share: Whether values lie in [0, 1], so that a mean of 0 or 1 gets a Wilson interval.
    """

    measure: Measure
    share: bool = True


def recovered_within(steps: int, case: Case) -> float | None:
    """RR@k: recovered within k steps; None where the episode was allowed fewer, or where no repair is that short."""
    if not case.fewest_steps <= steps <= case.horizon:
        return None
    return float(case.episode.recovered and len(case.episode.steps) <= steps)


def root_cause_first(case: Case) -> float | None:
    """Root-cause@1: the first editing action was carried out on something the injected error touches."""
    if not case.problem.root_cause:
        return None
    touched = {safe(name) for name in case.problem.touched}
    edits = ((action, outcome) for action, outcome in case.decisions if action.edits)
    first = next(edits, None)
    return float(first is not None and first[1] == "applied" and safe(str(first[0].target)) in touched)


def objective_preserved(case: Case) -> float | None:
    """OP of the model as it was left, 0 where it was not recovered; None where the clean optimum is not known."""
    return optimality_preserved(case.episode.objective, case.problem.original_objective)


def equivalent(case: Case) -> float | None:
    """Whether the repaired model allows the same points as the clean one, by a proof; 0 where it was not recovered.

    None until the proof was tried (``ordebug report --quality``), where it found no answer, and without a clean model.
    """
    if case.quality is not None:
        verdict = case.quality.equivalence
        return None if verdict in (None, "unproved") else float(verdict == "equivalent")
    return 0.0 if case.assessed and not case.episode.recovered and case.problem.clean_model_file else None


def edit_cost(case: Case) -> float | None:
    """Rows and variables touched by a repair, as a multiple of the fewest that must give way (feasRelax, L0)."""
    return None if case.quality is None else _ratio(case.quality.touched, case.quality.fewest)


def edit_violation(case: Case) -> float | None:
    """Violation that a repair makes use of, as a multiple of the least there is (feasRelax, L1)."""
    return None if case.quality is None else _ratio(case.quality.violation, case.quality.least)


def steps_taken(case: Case) -> float:
    """Decisions of the episode."""
    return float(len(case.episode.steps))


def tokens_written(case: Case) -> float | None:
    """Tokens of all replies of the episode; None where the policy cannot tell."""
    tokens = [step.tokens for step in case.episode.steps if step.tokens is not None]
    return float(sum(tokens)) if len(tokens) == len(case.episode.steps) else None


def valid_actions(case: Case) -> float | None:
    """Share of the episode's replies that are a well-formed action, whether or not its target exists."""
    return _share([step.action is not None for step in case.episode.steps])


def existing_targets(case: Case) -> float | None:
    """Share, of the well-formed actions that name a target, of those whose target exists."""
    return _share([outcome != "unknown_target" for action, outcome in case.decisions if action.args])


def thoughts_in_state(state: ThinkState, case: Case) -> float | None:
    """Share of the episode's replies whose thought is in this state."""
    return _share([found == state for found in case.thoughts])


def published_diagnosis(case: Case) -> float | None:
    """Published diagnosis accuracy: share of the first conflict, bounds and all, that was edited; more damage pays."""
    shown = _first_conflict(case)
    if not shown:
        return None
    edited = {safe(str(action.target)) for action, _ in case.decisions if action.edits}
    return len(shown & edited) / len(shown)


def published_diagnosis_ceiling(case: Case) -> float | None:
    """The most of published diagnosis accuracy that a single action can reach, be it the whole repair."""
    shown = _first_conflict(case)
    return 1 / len(shown) if shown else None


def _first_conflict(case: Case) -> set[str]:
    first = case.episode.steps[0] if case.episode.steps else None
    return set() if first is None else {safe(name) for name in first.iis_rows + first.iis_bounds}


def _ratio(found: float | None, least: float | None) -> float | None:
    return found / least if found is not None and least else None


METRICS: dict[str, Metric] = {
    **{f"rr_at_{steps}": Metric(partial(recovered_within, steps)) for steps in SUCCESS_HORIZONS},
    "root_cause_at_1": Metric(root_cause_first),
    "op": Metric(objective_preserved),
    "equivalent": Metric(equivalent),
    "edit_cost": Metric(edit_cost, share=False),
    "edit_violation": Metric(edit_violation, share=False),
    "steps": Metric(steps_taken, share=False),
    "tokens": Metric(tokens_written, share=False),
    "action_valid": Metric(valid_actions),
    "target_exists": Metric(existing_targets),
    "think_valid": Metric(partial(thoughts_in_state, "valid")),
    "think_empty": Metric(partial(thoughts_in_state, "empty")),
    "think_missing": Metric(partial(thoughts_in_state, "missing")),
    "think_truncated": Metric(partial(thoughts_in_state, "truncated")),
    "think_malformed": Metric(partial(thoughts_in_state, "malformed")),
    "da_published": Metric(published_diagnosis),
    "da_published_ceiling": Metric(published_diagnosis_ceiling),
}


def passed(case: Case) -> bool:
    """What pass@k counts: recovered with the objective kept (OP >= 0.95), or recovered where no optimum is known."""
    kept = objective_preserved(case)
    return case.episode.recovered if kept is None else kept >= OBJECTIVE_KEPT


def pass_at(k: int, tries: int, successes: int) -> float | None:
    """The unbiased estimate of P(one of k tries succeeds) from n tries; None for fewer than k (Chen et al., 2021)."""
    if tries < k:
        return None
    return 1.0 - math.comb(tries - successes, k) / math.comb(tries, k)


def pass_sizes(samples: int) -> list[int]:
    """The k for which pass@k is given: powers of two and the number of samples; none for a single sample."""
    return sorted({2**power for power in range(samples.bit_length())} | {samples}) if samples > 1 else []


def pass_values(cases: Sequence[Case], k: int) -> Mapping[str, float]:
    """pass@k of each problem that was tried at least k times."""
    tried: dict[str, list[bool]] = {}
    for case in cases:
        tried.setdefault(case.problem.problem_id, []).append(passed(case))
    estimates = {problem_id: pass_at(k, len(tries), sum(tries)) for problem_id, tries in tried.items()}
    return {problem_id: value for problem_id, value in estimates.items() if value is not None}


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
