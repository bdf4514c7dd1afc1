import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.core.errors import InputError, SolverError
from ordebug.env.observation import BoundInConflict, Conflict
from ordebug.env.solvers import highs_engine
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.env.solvers.highs import HighsModel
from ordebug.env.solvers.highs_conflict import Member, find_conflict
from ordebug.env.solvers.model import Model

BuildModel = Callable[[bool], GurobiModel]


@pytest.fixture
def highs_joinery(joinery: BuildModel) -> Callable[[bool], HighsModel]:
    return lambda broken: HighsModel(joinery(broken).arrays(), "joinery")


def read(tmp_path: Path, text: str) -> HighsModel:
    path = tmp_path / "m.lp"
    path.write_text(text)
    return HighsModel.read(path)


def test_a_relaxed_equality_stays_one_row(highs_joinery: Callable[[bool], HighsModel]) -> None:
    model = highs_joinery(False)
    model.relax("hotel", 2)
    model.relax("hotel", 1)
    view = model.row("hotel")
    assert (view.sense, view.rhs, view.slack) == ("=", 5, 3)
    assert model.row_names == ("labor", "wood", "hotel", "paint")
    assert len(model.arrays().row_lower) == 4
    assert model.solve().objective == pytest.approx(3 * 8 + 2 * 22)


def test_copies_and_other_conflicts_leave_the_model_alone(highs_joinery: Callable[[bool], HighsModel]) -> None:
    model = highs_joinery(True)
    before = model.matrix()
    twin = model.copy()
    twin.drop("labor")
    assert model.other_conflict(frozenset({"wood"})) is None
    assert model.matrix() == before != twin.matrix()
    assert model.conflict().rows == ("labor", "wood") and twin.conflict() == Conflict()


def test_crossed_bounds_are_a_conflict_without_rows(highs_joinery: Callable[[bool], HighsModel]) -> None:
    model = highs_joinery(False)
    model.set_bounds("chairs", 6, 5.5)
    assert model.solve().status == "INFEASIBLE"
    expected = (BoundInConflict("chairs", "lower"), BoundInConflict("chairs", "upper"))
    assert model.conflict() == Conflict((), expected)


def test_infeasible_by_integrality_alone(tmp_path: Path, flaw: Callable[[Model, Conflict], str]) -> None:
    # facts: HiGHS's own IIS of such a model is empty or wrong
    model = read(
        tmp_path, "min\n x\nst\n odd: 2 x + 2 y = 5\n free: x + y <= 9\nbounds\n x <= 4\n y <= 4\ngen\n x y\nend\n"
    )
    assert model.solve().status == "INFEASIBLE"
    conflict = model.conflict()
    assert "odd" in conflict.rows and "free" not in conflict.rows and flaw(model, conflict) == ""


def test_a_binary_type_is_never_blamed(tmp_path: Path) -> None:
    model = read(tmp_path, "min\n x\nst\n c: x >= 2\nbin\n x\nend\n")
    assert model.conflict() == Conflict(("c",), ())
    model = read(tmp_path, "min\n x + y\nst\n c: x + y >= 0\nbin\n x\nend\n")
    model.set_bounds("x", 2, 4)
    assert model.solve().status == "INFEASIBLE" and model.conflict().bounds == (BoundInConflict("x", "lower"),)
    model.set_type("x", "I")
    assert model.solve().objective == 2 and model.variable("x").upper == 4


def test_infeasible_or_unbounded_is_decided(tmp_path: Path) -> None:
    integers = "gen\n x y\nend\n"
    assert read(tmp_path, "max\n x\nst\n c: x - y >= 1\n" + integers).solve().status == "UNBOUNDED"
    assert read(tmp_path, "max\n x\nst\n c: x - y <= 1\nend\n").solve().status == "UNBOUNDED"
    both = "max\n x\nst\n c: x - y >= 1\n d: 2 z = 1\ngen\n x y z\nend\n"
    assert read(tmp_path, both).solve().status == "INFEASIBLE"


def test_a_model_without_rows_is_solved(highs_joinery: Callable[[bool], HighsModel]) -> None:
    model = highs_joinery(False)
    for row in model.row_names:
        model.drop(row)
    assert model.solve().status == "UNBOUNDED"
    for variable in model.variable_names:
        model.set_bounds(variable, 0, 2)
    assert model.solve().objective == 10


def test_a_limit_of_work_is_an_error_and_no_verdict(
    highs_joinery: Callable[[bool], HighsModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = highs_joinery(False)
    engine = highs_engine._engine()
    engine.setOptionValue("simplex_iteration_limit", 0)
    try:
        with pytest.raises(SolverError, match="joinery: HiGHS stopped"):
            highs_engine.solve(model.arrays(), "joinery", presolve=False)
    finally:
        engine.setOptionValue("simplex_iteration_limit", highs_engine.OPTIONS["simplex_iteration_limit"])


def test_numbers_beyond_the_solver_are_an_error(highs_joinery: Callable[[bool], HighsModel]) -> None:
    model = highs_joinery(False)
    model.set_coefficient("labor", "chairs", 1e30)
    with pytest.raises(SolverError, match="does not take the model"):
        model.solve()


def test_trusted_rows_are_never_blamed(highs_joinery: Callable[[bool], HighsModel]) -> None:
    arrays = highs_joinery(True).arrays()
    assert find_conflict(arrays, "m", [Member("row", 0)]) == [Member("row", 1)]
    assert find_conflict(arrays, "m", [Member("row", 0), Member("row", 1)]) == []
    assert find_conflict(highs_joinery(False).arrays(), "m") is None


@pytest.mark.parametrize("suffix", ["mps", "lp", "mps.gz"])
def test_what_is_written_is_read_again(
    suffix: str, tmp_path: Path, highs_joinery: Callable[[bool], HighsModel]
) -> None:
    model = highs_joinery(True)
    model.set_type("chairs", "I")
    path = tmp_path / f"m.{suffix.removesuffix('.gz')}"
    model.write(path)
    assert HighsModel.read(path).matrix() == model.matrix() == GurobiModel.read(path).matrix()


def test_what_is_no_linear_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model HiGHS can read"):
        read(tmp_path, "min nothing at all ]")
    with pytest.raises(InputError, match="not linear"):
        read(tmp_path, "min\n x + [ x ^2 ] / 2\nst\n c: x >= 1\nend\n")
    with pytest.raises(InputError, match="more than an LP or MILP"):
        read(tmp_path, "min\n x\nst\n c: x >= 1\nbounds\n x <= 9\nsemi\n x\nend\n")


def test_nothing_is_printed(tmp_path: Path) -> None:
    (tmp_path / "m.lp").write_text("min\n x\nst\n c: x >= 3\n d: x <= 2\nend\n")
    program = (
        "import sys; from pathlib import Path; from ordebug.env.solvers.model import read_model; "
        "m = read_model(Path(sys.argv[1]), 'highs'); m.solve(); m.conflict(); m.write(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "m.lp"], capture_output=True, check=True)
    assert done.stdout == done.stderr == b""


def test_the_manifest_tells_solver_and_limits() -> None:
    told = highs_engine.highs_manifest()
    assert told["name"] == "highs" and "mip_max_nodes" in str(told["parameters"])


@pytest.mark.parametrize("bounds", ["UP b x -5", "UP b x -6\n UP b x -5", "LO b x 0\n UP b x -5", "MI b x\n UP b x -5"])
@pytest.mark.parametrize("suffix", [".mps", ".mps.gz"])
def test_a_negative_upper_bound_means_what_gurobi_reads(bounds: str, suffix: str, tmp_path: Path) -> None:
    columns = "    x  cost  1  row  1\n    LO  cost  1  row  1\n"
    text = f"NAME t\nROWS\n N  cost\n L  row\nCOLUMNS\n{columns}RHS\n    rhs  row  9\nBOUNDS\n {bounds}\nENDATA\n"
    path = tmp_path / f"m{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    gurobi, highs = GurobiModel.read(path), HighsModel.read(path)
    assert gurobi.variable("x") == highs.variable("x") and gurobi.solve().status == highs.solve().status
    assert gurobi.matrix() == highs.matrix()
