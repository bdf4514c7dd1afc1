"""What a repair did to the model, found out with further solves after the episode; reported and never rewarded.

Equal edits of one problem are one repair, however they came about, so each is measured once and kept in the run's
folder (``quality.jsonl``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.core.jsonl import read_rows
from ordebug.core.manifest import sha256_text
from ordebug.env.action import Action, ActionSet
from ordebug.env.difference import differing
from ordebug.env.edits import apply_edit, resolve
from ordebug.env.episode import Episode
from ordebug.env.equivalence import Verdict, equivalence
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.reply import parse_action
from ordebug.env.solvers.elastic import Violation, cheapest_repair
from ordebug.env.solvers.model import Model, SolverName, read_model

QUALITY_VERSION = 2
"""Raised whenever a measure changes; what another version stored is measured anew."""

STORE = "quality.jsonl"


@dataclass(frozen=True)
class Quality:
    """A repair set beside the clean model and beside the cheapest ones.

    Attributes:
        equivalence: Whether it allows the same points as the clean model; None where there is none.
        reason: The proof's last line, or why there is no number.
        touched: Rows and variables that differ from the broken model's.
        fewest: The fewest rows and bounds that must give way (feasRelax, L0).
        violation: The least total violation, scaled, if only what was touched may give way.
        least: The least total violation if anything may (feasRelax, L1).
    """

    equivalence: Verdict | None = None
    reason: str = ""
    touched: int | None = None
    fewest: int | None = None
    violation: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Repair:
    """What an episode left behind.

    Attributes:
        problem: The problem.
        folder: Where its files lie.
        actions: The action set, which decides how an edit is read.
        edits: The edits that stand at the end, in canonical text.
        solver: Which solver was asked for.
    """

    problem: Problem
    folder: Path
    actions: ActionSet
    edits: tuple[str, ...]
    solver: SolverName = "auto"

    @property
    def key(self) -> str:
        """What stored measures go by."""
        return repair_key(self.problem.problem_id, self.edits)


def repair_key(problem_id: str, edits: Sequence[str]) -> str:
    """A digest of a problem and the edits made to it; within a run the action set is one."""
    return sha256_text("\n".join((str(QUALITY_VERSION), problem_id, *edits)))


def standing_edits(episode: Episode) -> tuple[str, ...]:
    """The edits that were carried out and not undone by RESET."""
    edits: list[str] = []
    for step in episode.steps:
        if step.outcome == "applied" and step.action is not None:
            edits = [] if step.action == str(Action("RESET")) else [*edits, step.action]
    return tuple(edits)


def measure(repair: Repair) -> Quality:
    """Makes the edits again and measures them; a solver that fails leaves the numbers out and says so.

    Raises:
        LicenceError: If the solver has no licence.
    """
    problems = ProblemSet(repair.folder, {})
    try:
        with _opened(problems.model_path(repair.problem), repair.solver) as broken, _copied(broken) as repaired:
            make_edits(repaired, repair)
            return Quality(
                **_against_clean(repaired, problems.clean_model_path(repair.problem), repair.solver),
                **_cost(broken, repaired, repair.problem),
            )
    except LicenceError:
        raise
    except (SolverError, InputError) as error:
        return Quality(reason=error.message)


def stored(folder: Path) -> Mapping[str, Quality]:
    """What is stored in a run's folder, by ``repair_key``."""
    file = folder / STORE
    rows = read_rows(file) if file.is_file() else ()
    return {str(row["key"]): Quality(**row["quality"]) for _, row in rows if row.get("version") == QUALITY_VERSION}


def stored_row(repair: Repair, quality: Quality) -> dict[str, Any]:
    """A line of the store."""
    return {
        "version": QUALITY_VERSION,
        "key": repair.key,
        "problem_id": repair.problem.problem_id,
        "edits": repair.edits,
        "quality": asdict(quality),
    }


@contextmanager
def _opened(path: Path, solver: SolverName) -> Iterator[Model]:
    model = read_model(path, solver)
    try:
        yield model
    finally:
        model.close()


@contextmanager
def _copied(model: Model) -> Iterator[Model]:
    twin = model.copy()
    try:
        yield twin
    finally:
        twin.close()


def make_edits(model: Model, repair: Repair) -> None:
    """Makes a repair's edits on the broken model.

    Raises:
        InputError: If one cannot be made again.
    """
    for text in repair.edits:
        action = parse_action(text, repair.actions)
        arguments = resolve(action, model, repair.problem.protected) if isinstance(action, Action) else None
        if not isinstance(action, Action) or not isinstance(arguments, list):
            raise InputError(f"the edit {text!r} cannot be made again.", "Play the run again.")
        apply_edit(model, action.name, arguments, published=repair.actions == "compat")


def _against_clean(repaired: Model, path: Path | None, solver: SolverName) -> dict[str, Any]:
    if path is None:
        return {"reason": "the problem stores no clean model"}
    with _opened(path, solver) as clean:
        found = equivalence(clean, repaired)
    return {"equivalence": found.verdict, "reason": ": ".join(filter(None, (found.witness, found.reason)))}


def _cost(broken: Model, repaired: Model, problem: Problem) -> dict[str, Any]:
    """Rows touched and violation, each beside its least; a change of type has no violation."""
    rows, variables = set(differing(broken, repaired, "rows")), set(differing(broken, repaired, "variables"))
    untouched = [name for name in broken.row_names if name not in rows]
    fixed = [name for name in broken.variable_names if name not in variables]
    fewest = cheapest_repair(broken, "l0", problem.protected) or ()
    return {
        "touched": len(rows) + len(variables),
        "fewest": len(fewest) or None,
        "violation": _total(cheapest_repair(broken, "l1", untouched, fixed) or ()),
        "least": _total(cheapest_repair(broken, "l1", problem.protected) or ()),
    }


def _total(violations: Iterable[Violation]) -> float | None:
    return sum(violation.scaled for violation in violations) or None
