"""The gate: each check's value, its interval, and the verdict. What was not measured is never a number."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ordebug.eval.gate.entropy import sampled_entropies
from ordebug.eval.gate.fresh import fresh_alike
from ordebug.eval.gate.groups import Group, groups_of
from ordebug.eval.gate.record import CheckRecord, GateRecord, Outcome, judged_episodes
from ordebug.eval.gate.sampling import sampling_warnings
from ordebug.eval.gate.thresholds import CheckName, Threshold, Thresholds
from ordebug.eval.intervals import Estimate, mean_interval
from ordebug.eval.metrics import METRICS, Case, pass_at
from ordebug.eval.played import PlayedRun

NOTHING = Estimate()


@dataclass(frozen=True)
class Check:
    """One line of the gate.

    Attributes:
        name: What was checked.
        estimate: The value with its interval; None in it where nothing was measured.
        threshold: What was asked.
        note: Why nothing was measured, empty where something was.
        fix: What to do about that, empty where it is what the threshold says.
    """

    name: CheckName
    estimate: Estimate
    threshold: Threshold
    note: str = ""
    fix: str = ""

    @property
    def advice(self) -> str:
        """What to do where it does not pass."""
        return self.fix or self.threshold.fix

    @property
    def outcome(self) -> Outcome:
        """Whether the value is within the threshold."""
        value = self.estimate.value
        if value is None or not math.isfinite(value):
            return "not measured"
        return "holds" if self.threshold.holds(value) else "fails"

    @property
    def passes(self) -> bool:
        """Whether the gate may open as far as this check goes."""
        return self.outcome == "holds" or (self.outcome == "not measured" and not self.threshold.required)

    @property
    def unsure(self) -> bool:
        """Whether the threshold lies within the interval."""
        ends = [end for end in (self.estimate.low, self.estimate.high) if end is not None]
        return len({self.threshold.holds(end) for end in ends}) > 1

    def record(self) -> CheckRecord:
        """The line as it is kept."""
        found = NOTHING if self.outcome == "not measured" else self.estimate
        return CheckRecord(
            check=self.name,
            value=found.value,
            low=found.low,
            high=found.high,
            n=self.estimate.n,
            min=self.threshold.min,
            max=self.threshold.max,
            threshold=self.threshold.text,
            outcome=self.outcome,
            passes=self.passes,
            unsure=self.unsure,
            note=self.note,
            why=self.threshold.why,
            fix="" if self.passes else self.advice,
        )


@dataclass(frozen=True)
class Gate:
    """All checks of a run.

    Attributes:
        run: The run's name.
        episodes_sha256: Digest of the episodes that were judged.
        group_size: ``num_generations`` that is planned.
        checks: One line a check.
        warnings: What a reader must know before believing it.
    """

    run: str
    episodes_sha256: str
    group_size: int
    checks: tuple[Check, ...]
    warnings: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the run's model is ready."""
        return all(check.passes for check in self.checks)

    def record(self) -> GateRecord:
        """The gate as it is kept."""
        return GateRecord(
            run=self.run,
            episodes_sha256=self.episodes_sha256,
            open=self.open,
            group_size=self.group_size,
            checks=tuple(check.record() for check in self.checks),
            warnings=self.warnings,
        )


def gate(played: PlayedRun, thresholds: Thresholds, forgetting: Estimate | None = None) -> Gate:
    """Holds a run against the thresholds.

    Args:
        played: The run, with at least ``group_size`` samples a problem for what groups tell.
        thresholds: What is asked.
        forgetting: The largest loss on a general benchmark, with its interval; None where none was given.

    Raises:
        InputError: If the run is not finished, or its problems are missing or have changed.
    """
    played.require_whole()
    measured = _Measured(played, thresholds.group_size, forgetting)
    checks = [Check(name, *measured.of(name, threshold)) for name, threshold in thresholds.checks.items()]
    warnings = tuple(sampling_warnings(played))
    return Gate(played.folder.name, judged_episodes(played.folder), thresholds.group_size, tuple(checks), warnings)


@dataclass(frozen=True)
class _Measured:
    """What a run shows."""

    played: PlayedRun
    size: int
    forgetting: Estimate | None

    @cached_property
    def cases(self) -> list[Case]:
        return self.played.cases()

    @cached_property
    def groups(self) -> list[Group]:
        """Those with enough samples."""
        return [group for group in groups_of(self.cases).values() if len(group.passes) >= self.size]

    @cached_property
    def filtered(self) -> list[Group]:
        return [group for group in self.groups if group.teaches]

    def of(self, name: CheckName, threshold: Threshold) -> tuple[Estimate, Threshold, str, str]:
        """The arguments of a check."""
        found = self._metric(name) if name in METRICS else self._special[name]()
        return found, threshold, *(("", "") if found.value is not None else self._missing(name))

    def _missing(self, name: CheckName) -> tuple[str, str]:
        """Why there is no value, and what to do about that; empty where it is what the threshold says."""
        if not self.cases:
            return (
                "every episode ended in an error",
                "see the errors in episodes.jsonl, and give the run's command again",
            )
        if name == "entropy":
            return "the run holds no logprobs of swift infer", "say logprobs: true in the inference recipe"
        if name == "forgetting" and self.forgetting is None:
            return "no --forgetting was given", "measure it: bash shell/forgetting.sh"
        if name == "forgetting":
            return (
                "of no benchmark in it could anything be lost",
                "measure benchmarks that the model could answer before",
            )
        if name == "rr_at_5" and self.played.setting.horizon < 5:
            steps = self.played.setting.horizon
            return f"episodes had {steps} steps at most", "play with --max-steps 5, or leave the check out (--config)"
        if name in METRICS:
            return "no episode that it applies to", ""
        if not self.groups:
            many = f"--samples {self.size}"
            return f"no problem has {self.size} scored samples; play the run with {many}", f"play the run with {many}"
        return "no problem is left by the filter", ""

    @property
    def _special(self) -> Mapping[str, Callable[[], Estimate]]:
        return {
            "headroom": self._headroom,
            "zero_variance_groups": lambda: self._mean(self.groups, lambda group: group.alike(self.size)),
            "zero_variance_filtered": lambda: fresh_alike(self.filtered, self.size),
            "prompts_left": self._prompts_left,
            "reward_spread": lambda: self._mean(self.groups, lambda group: group.spread, share=False),
            "entropy": self._entropy,
            "forgetting": lambda: self.forgetting or NOTHING,
        }

    def _metric(self, name: str) -> Estimate:
        found = [(case, value) for case in self.cases if (value := METRICS[name].measure(case)) is not None]
        clusters = [case.problem.cluster for case, _ in found]
        return mean_interval([value for _, value in found], clusters, share=METRICS[name].share)

    def _headroom(self) -> Estimate:
        def gain(group: Group) -> float | None:
            most = pass_at(self.size, len(group.passes), sum(group.passes))
            return None if most is None else most - group.pass_rate

        return self._mean(self.groups, gain)

    def _prompts_left(self) -> Estimate:
        return Estimate(float(len(self.filtered)), n=len(self.groups)) if self.groups else NOTHING

    def _entropy(self) -> Estimate:
        values = sampled_entropies(self.played.folder.path)
        return mean_interval(values, range(len(values)), share=False)

    @staticmethod
    def _mean(groups: Sequence[Group], value: Callable[[Group], float | None], *, share: bool = True) -> Estimate:
        found = [(group, number) for group in groups if (number := value(group)) is not None]
        return mean_interval([number for _, number in found], [group.cluster for group, _ in found], share=share)
