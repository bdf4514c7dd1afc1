"""Models that both solvers read: the public ones where they are there, generated ones, and random ones."""

import os
import random
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.observation import BoundInConflict, Conflict
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.solvers.model import Model

ROOT = Path(__file__).resolve().parents[3]
Proof = Callable[..., str]


@pytest.fixture(scope="session")
def public_problems() -> list[Path]:
    """Every type of the published problems: all of the small sets, every 60th of the large one."""
    folder = Path(os.environ.get("ORDEBUG_PUBLIC_BENCH", ROOT.parent / "shared" / "public_bench")) / "problems"
    paths = {name: sorted((folder / name / "models").glob("*.mps")) for name in ("full", "hard", "mdp")}
    if not all(paths.values()):
        pytest.skip(f"{folder} lacks full, hard or mdp; set ORDEBUG_PUBLIC_BENCH to the folder of the public data")
    return [*paths["full"][::60], *paths["hard"][::4], *paths["mdp"][::2]]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> ProblemSet:
    folder = tmp_path_factory.mktemp("set")
    generate(folder, Plan(24, ("A", "D"), tuple(FAMILIES), seed=5), workers=1)
    return read_problem_set(folder)


@pytest.fixture(scope="session")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """LPs and MILPs, feasible and not, with every sense, type and kind of bound; several fail by integrality alone."""
    folder = tmp_path_factory.mktemp("random")
    rng = random.Random(0)
    paths = [folder / f"m{number}.lp" for number in range(120)]
    for path in paths:
        path.write_text(_model(rng))
    return paths


def _model(rng: random.Random) -> str:
    names = [f"x{i}" for i in range(rng.randint(2, 6))]
    rows = []
    for row in range(rng.randint(2, 7)):
        chosen = rng.sample(names, rng.randint(1, min(3, len(names))))
        terms = " + ".join(f"{rng.choice((1, 2, 2, 3, 4, 0.5))} {name}" for name in chosen)
        rows.append(f" c{row}: {terms} {rng.choice(('<=', '>=', '='))} {rng.choice((1, 3, 5, 7, 8, 12.5))}")
    bounds = [f" {rng.choice((0, 1, -2))} <= {name} <= {rng.choice((2, 4, 9))}" for name in names if rng.random() < 0.7]
    integers = [name for name in names if rng.random() < 0.5]
    binaries = [name for name in names if name not in integers and rng.random() < 0.3]
    bounds = [bound for bound in bounds if bound.split()[2] not in binaries]
    objective = " + ".join(f"{rng.randint(1, 9)} {name}" for name in names)
    sense = rng.choice(("Minimize", "Maximize"))
    parts = [sense, f" {objective}", "Subject To", *rows, "Bounds", *bounds]
    parts += ["General", " " + " ".join(integers)] if integers else []
    parts += ["Binary", " " + " ".join(binaries)] if binaries else []
    return "\n".join([*parts, "End\n"])


@pytest.fixture(scope="session")
def flaw() -> Proof:
    """What is wrong with a conflict, found by solving what it says and the same less each member; empty if nothing.

    ``relaxed`` asks whether each member is needed in the LP relaxation.
    """

    def find(model: Model, conflict: Conflict, *, relaxed: bool = False) -> str:
        twin = model.copy()
        binary = {name for name in twin.variable_names if twin.variable(name).type == "B"}
        for name in twin.variable_names if relaxed else ():
            twin.set_type(name, "C")
        if not _infeasible(twin, conflict.rows, conflict.bounds, binary):
            return "it is not infeasible"
        for rows, bounds, left_out in _less_one(conflict):
            if _infeasible(twin, rows, bounds, binary):
                return f"it does not need {left_out}"
        return ""

    return find


def _less_one(conflict: Conflict) -> Iterator[tuple[tuple[str, ...], tuple[BoundInConflict, ...], object]]:
    for row in conflict.rows:
        yield tuple(other for other in conflict.rows if other != row), conflict.bounds, row
    for bound in conflict.bounds:
        yield conflict.rows, tuple(other for other in conflict.bounds if other != bound), bound


def _infeasible(
    model: Model, rows: tuple[str, ...], bounds: tuple[BoundInConflict, ...], binary: Collection[str]
) -> bool:
    twin = model.copy()
    for name in twin.row_names:
        if name not in rows:
            twin.drop(name)
    for name in twin.variable_names:
        view = twin.variable(name)
        lower = view.lower if BoundInConflict(name, "lower") in bounds else -float("inf")
        upper = view.upper if BoundInConflict(name, "upper") in bounds else float("inf")
        if name not in binary:
            twin.set_bounds(name, lower, upper)
    found = twin.solve().status == "INFEASIBLE"
    twin.close()
    return found
