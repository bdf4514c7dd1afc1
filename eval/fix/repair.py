"""Repairing one model: attempts are played, the best repair is written, and what it costs is measured."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from ordebug.core.errors import SolverError
from ordebug.env.difference import Change, changes
from ordebug.env.episode import Episode, Step
from ordebug.env.observation import Conflict, Status
from ordebug.env.problem import Problem
from ordebug.env.repair_env import RepairEnv
from ordebug.env.solvers.elastic import Violation, cheapest_repair
from ordebug.env.solvers.model import Model, read_model
from ordebug.eval.attempt import Attempt, Setting
from ordebug.eval.fix.player import Player
from ordebug.eval.quality import Quality, Repair, measure, standing_edits

AGREES = 1e-6
"""Relative difference of two optima below which they are the same."""

Watch = Callable[[int, Step], None]


@dataclass(frozen=True)
class Cheapest:
    """The cheapest repairs by the solver alone; None where what is protected has no solution.

    Attributes:
        fewest: Fewest rows and bounds (feasRelax, L0).
        least: Least total violation (feasRelax, L1).
    """

    fewest: tuple[Violation, ...] | None
    least: tuple[Violation, ...] | None


@dataclass(frozen=True)
class Fixed:
    """What became of a model.

    Attributes:
        before: The solver's verdict on the file.
        conflict: The conflict it has.
        outcome: ``nothing_to_do`` where it is feasible, ``repaired``, or ``not_repaired``.
        attempts: The episodes played.
        best: Which of them made the repair.
        changes: What differs from the file.
        objective: The repaired model's optimum; of a feasible file, its own.
        quality: What the repair costs.
        cheapest: What the cheapest repairs are.
        written: The repaired model's file.
    """

    before: Status
    conflict: Conflict = Conflict()  # noqa: RUF009 (frozen)
    outcome: Literal["nothing_to_do", "repaired", "not_repaired"] = "not_repaired"
    attempts: list[Episode] = field(default_factory=list)
    best: int | None = None
    changes: list[Change] = field(default_factory=list)
    objective: float | None = None
    quality: Quality | None = None
    cheapest: Cheapest | None = None
    written: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        found = asdict(self) | {"attempts": [episode.model_dump(mode="json") for episode in self.attempts]}
        return found | {"written": None if self.written is None else str(self.written)}


def fix(
    env: RepairEnv, folder: Path, setting: Setting, player: Player, out: Path, *, samples: int, watch: Watch
) -> Fixed:
    """Plays attempts at a model and writes the best repair.

    Args:
        env: The model's environment.
        folder: Where the model's file lies.
        setting: What the policy meets.
        player: Who proposes.
        out: The repaired model's file.
        samples: Attempts.
        watch: Told each step as it was carried out, with the attempt's number.

    Raises:
        SolverError: If the solver failed, or the file written is not the model that was repaired.
        ToolError: If the served model cannot be asked.
    """
    start, _ = env.reset()
    if start.status != "INFEASIBLE":
        outcome: Literal["nothing_to_do", "not_repaired"] = (
            "nothing_to_do" if start.status == "OPTIMAL" else "not_repaired"
        )
        return Fixed(start.status, outcome=outcome, objective=env.state.solution.objective)
    attempts = [_played(env, setting, player, sample, watch) for sample in range(samples)]
    repairs = [_measured(env.problem, folder, setting, episode) for episode in attempts]
    best = _best(repairs)
    before = read_model(folder / env.problem.model_file, setting.rules.solver)
    try:
        cheapest = Cheapest(*(cheapest_repair(before, norm, env.problem.protected) for norm in ("l0", "l1")))
        if best is None:
            return Fixed(start.status, start.conflict, attempts=attempts, cheapest=cheapest)
        repaired, objective = _replayed(env, attempts[best]), attempts[best].objective
        found = changes(before, repaired)
    finally:
        before.close()
    _write(repaired, out, objective)
    return Fixed(
        start.status, start.conflict, "repaired", attempts, best, found, objective, repairs[best], cheapest, out
    )


def _played(env: RepairEnv, setting: Setting, player: Player, sample: int, watch: Watch) -> Episode:
    attempt = Attempt(env, setting, "fix", sample)
    step = 0
    while attempt.episode is None:
        attempt.take(player(env, attempt, sample, step))
        step += 1
        if attempt.steps:
            watch(sample, attempt.steps[-1])
    if attempt.episode.stop == "error":
        raise SolverError(f"the solver failed: {attempt.episode.error}.")
    return attempt.episode


def _measured(problem: Problem, folder: Path, setting: Setting, episode: Episode) -> Quality | None:
    """What an attempt's repair costs, None where it is none."""
    if not episode.recovered:
        return None
    return measure(Repair(problem, folder, setting.actions, standing_edits(episode)))


def _best(repairs: Sequence[Quality | None]) -> int | None:
    """The repair that touches least, then the one that breaks limits by least."""

    def rank(index: int) -> tuple[float, float]:
        found = repairs[index]
        touched, violation = (math.inf, math.inf) if found is None else (found.touched, found.violation)
        return touched if touched is not None else math.inf, violation if violation is not None else math.inf

    return min((index for index, found in enumerate(repairs) if found is not None), key=rank, default=None)


def _replayed(env: RepairEnv, episode: Episode) -> Model:
    """The model as that attempt left it."""
    env.reset()
    for step in episode.steps:
        env.step(step.reply, truncated=step.outcome == "truncated")
    return env.model


def _write(model: Model, out: Path, objective: float | None) -> None:
    """Writes the model once what was written has been read and solved again."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}.") as folder:
        draft = Path(folder) / out.name
        model.write(draft)
        again = read_model(draft)
        try:
            found = again.solve()
        finally:
            again.close()
        if (
            found.objective is None
            or objective is None
            or not math.isclose(found.objective, objective, rel_tol=AGREES, abs_tol=AGREES)
        ):
            raise SolverError(
                f"{out}: the file would not be the model that was repaired: its optimum is {found.objective}, not "
                f"{objective}.",
                f"Try --out {out.with_suffix('.mps' if out.suffix == '.lp' else '.lp').name}.",
            )
        draft.replace(out)
