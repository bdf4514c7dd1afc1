import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ordebug.core.errors import SolverError
from ordebug.env.edits import apply_repair
from ordebug.env.equivalence import equivalence
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.problem_set import read_problem_set
from ordebug.env.solvers.gurobi import GurobiModel

BASE = """Maximize
 3 x + 2 y + z
Subject To
 sum: x + y <= 10
 mix: x + 2 y + z >= 3
 link: x - z = 1
Bounds
 x <= 8
 y <= 7
 z <= 20
"""
INTEGER = BASE + "General\n x\n z\n"


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Callable[[str], GurobiModel]]:
    made: list[GurobiModel] = []

    def make(text: str) -> GurobiModel:
        path = tmp_path / f"{len(made)}.lp"
        path.write_text(f"{text}End\n")
        made.append(GurobiModel.read(path))
        return made[-1]

    yield make
    for model in made:
        model.close()


Edit = Callable[[GurobiModel], object]
SAME: dict[str, tuple[str, Edit]] = {
    "nothing": (BASE, lambda model: None),
    "a row that others imply": (BASE, lambda model: model.add_row("more", {"x": 1.0, "y": 1.0}, "<=", 11)),
    "a bound that a row implies": (BASE, lambda model: model.set_bounds("z", 0, 7)),
    "a row times two": (BASE, lambda model: (model.drop("sum"), model.add_row("r", {"x": 2.0, "y": 2.0}, "<=", 20))),
    "less than the tolerance": (BASE, lambda model: model.relax("sum", 1e-8)),
    "a bound that integrality implies": (INTEGER, lambda model: model.set_bounds("x", 0, 8.5)),
    "an integer that another one implies": (INTEGER, lambda model: model.set_bounds("x", 0.5, 8)),
    "there and back": (BASE, lambda model: (model.relax("mix", 2), model.set_rhs("mix", 3))),
}
OTHER: dict[str, tuple[str, Edit, str]] = {
    "a row dropped": (BASE, lambda model: model.drop("sum"), "row sum"),
    "a row relaxed": (BASE, lambda model: model.relax("sum", 1), "row sum"),
    "a row tightened": (BASE, lambda model: model.set_rhs("sum", 9), "row sum"),
    "an equality relaxed": (BASE, lambda model: model.relax("link", 0.5), "row link"),
    "a bound widened": (BASE, lambda model: model.set_bounds("y", 0, 9), "upper bound of y"),
    "a bound narrowed": (BASE, lambda model: model.set_bounds("x", 2, 8), "lower bound of x"),
    "a coefficient": (BASE, lambda model: model.set_coefficient("mix", "x", 0), "row mix"),
    "a type": (BASE, lambda model: model.set_type("y", "I"), "type of y"),
    "a type in a MILP": (INTEGER, lambda model: model.set_type("y", "B"), "upper bound of y"),
    "without end": (
        BASE.replace(" z <= 20\n", "").replace(" x <= 8\n", ""),
        lambda model: model.drop("sum"),
        "row sum",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_set_by_other_means(models: Callable[[str], GurobiModel], name: str) -> None:
    text, edit = SAME[name]
    one, other = models(text), models(text)
    edit(other)
    assert (equivalence(one, other).verdict, equivalence(other, one).verdict) == ("equivalent", "equivalent")


@pytest.mark.parametrize("name", OTHER)
def test_another_set_has_a_witness(models: Callable[[str], GurobiModel], name: str) -> None:
    text, edit, witness = OTHER[name]
    one, other = models(text), models(text)
    edit(other)
    for found in (equivalence(one, other), equivalence(other, one)):
        assert (found.verdict, found.witness) == ("different", witness), found.reason


def test_equal_matrices_need_no_solve(models: Callable[[str], GurobiModel], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = models(INTEGER), models(INTEGER)
    monkeypatch.delattr(GurobiModel, "extreme")
    assert equivalence(one, other).verdict == "equivalent"


def test_what_the_solver_cannot_tell_is_said(
    models: Callable[[str], GurobiModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise SolverError("the work limit ended it.")

    one, other = models(BASE), models(BASE)
    other.relax("sum", 1)
    monkeypatch.setattr(GurobiModel, "extreme", fails)
    found = equivalence(one, other)
    assert (found.verdict, found.witness, found.reason) == ("unproved", "row sum", "the work limit ended it.")


def test_the_edge_of_the_tolerance_is_unproved(models: Callable[[str], GurobiModel]) -> None:
    one, other = models(BASE), models(BASE)
    other.relax("sum", 5e-6)
    assert equivalence(one, other).verdict == "unproved"


@pytest.mark.parametrize("limit", [1e3, 1e6])
def test_a_large_limit_is_no_licence(models: Callable[[str], GurobiModel], limit: float) -> None:
    text = BASE.replace("<= 10", f"<= {limit}").replace(" x <= 8\n y <= 7\n z <= 20", " z <= 1e7")
    one, other = models(text), models(text)
    other.relax("sum", 0.01)
    assert equivalence(one, other).verdict == "different"


def points(model: GurobiModel, step: float) -> set[tuple[float, float]]:
    """The grid points of a model over x and y within 0 and 4, by trying each."""
    grid = [number * step for number in range(round(4 / step) + 1)]
    rows = [model.row(name) for name in model.row_names]

    def allowed(point: dict[str, float]) -> bool:
        sums = [(row.sense, sum(value * point[name] for value, name in row.terms), row.rhs) for row in rows]
        return all(s <= r + 1e-9 if sense == "<=" else s >= r - 1e-9 for sense, s, r in sums)

    return {(x, y) for x in grid for y in grid if allowed({"x": x, "y": y})}


def drawn(rng: random.Random, models: Callable[[str], GurobiModel], *, whole: bool) -> GurobiModel:
    rows = [
        f" r{i}: {rng.randint(-3, 3)} x + {rng.randint(-3, 3)} y {rng.choice(('<=', '>='))} {rng.randint(-4, 9)}\n"
        for i in range(3)
    ]
    kinds = "General\n x\n y\n" if whole else ""
    return models(f"Maximize\n x\nSubject To\n{''.join(rows)}Bounds\n x <= 4\n y <= 4\n{kinds}")


def test_verdicts_agree_with_the_points_counted(models: Callable[[str], GurobiModel]) -> None:
    """Of integer models all points are tried; of continuous ones a grid, which can only show them different."""
    rng, verdicts = random.Random(1), Counter[str]()
    while verdicts.total() < 150:
        whole = bool(rng.randrange(2))
        one = drawn(rng, models, whole=whole)
        other = one.copy()
        name = rng.choice(other.row_names)
        rng.choice((other.drop, other.flip, lambda row, model=other: model.relax(row, rng.choice((0.25, 0.5, 1)))))(
            name
        )
        sets = [points(model, 1 if whole else 0.125) for model in (one, other)]
        if all(sets):
            found = equivalence(one, other)
            same = sets[0] == sets[1]
            assert found.verdict == ("equivalent" if same else "different") or (not whole and same), found
            verdicts[found.verdict] += 1
        other.close()
    assert min(verdicts["equivalent"], verdicts["different"]) > 20


def test_other_variables_are_another_model(models: Callable[[str], GurobiModel]) -> None:
    assert equivalence(models(BASE), models(BASE.replace(" z", " w"))).verdict == "different"


def test_nothing_is_changed_by_a_proof(models: Callable[[str], GurobiModel]) -> None:
    one, other = models(INTEGER), models(INTEGER)
    other.drop("sum")
    before, objective = one.matrix(), one.solve()
    equivalence(one, other)
    assert one.matrix() == before and one.solve() == objective


def test_stored_repairs_and_dropped_causes(tmp_path: Path) -> None:
    """Type A: the other rows imply the row as it was meant, so dropping it is a repair too. Type D is a drop."""
    generate(tmp_path / "set", Plan(20, ("A", "D"), ("production", "transport"), seed=5), workers=1)
    problems = read_problem_set(tmp_path / "set")
    for problem in problems:
        clean, broken = (
            GurobiModel.read(problems.clean_model_path(problem)),
            GurobiModel.read(problems.model_path(problem)),
        )
        dropped, wrong = broken.copy(), broken.copy()
        apply_repair(broken, problem.repair, problem.problem_id)
        dropped.drop(problem.root_cause[0].name)
        assert equivalence(clean, broken).verdict == equivalence(clean, dropped).verdict == "equivalent"
        assert equivalence(clean, wrong).verdict == "different"
