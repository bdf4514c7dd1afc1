from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.core.errors import InputError, LicenceError, ModelTooLargeError
from ordebug.env.observation import BoundInConflict
from ordebug.env.solvers import gurobi
from ordebug.env.solvers.gurobi import GurobiModel, Solution, environment

BuildModel = Callable[[bool], GurobiModel]


def test_the_conflict_is_infeasible_and_needs_each_of_its_rows(joinery: BuildModel) -> None:
    model = joinery(True)
    assert model.solve().status == "INFEASIBLE"
    assert model.conflict().rows == ("labor", "wood")
    for row in model.conflict().rows:
        twin = model.copy()
        twin.drop(row)
        assert twin.solve().status == "OPTIMAL"


def test_a_conflict_of_bounds_only_has_no_row(joinery: BuildModel) -> None:
    model = joinery(False)
    model.set_bounds("chairs", 6, 5.5)
    assert model.solve().status == "INFEASIBLE"
    conflict = model.conflict()
    assert conflict.rows == ()
    assert conflict.bounds == (BoundInConflict("chairs", "lower"), BoundInConflict("chairs", "upper"))


def test_infeasible_or_unbounded_is_decided(joinery: BuildModel) -> None:
    model = joinery(False)
    for row in ("labor", "wood", "paint"):
        model.drop(row)
    assert model.solve().status == "UNBOUNDED"


def test_relaxing_an_equality_shows_no_helper_and_works_twice(joinery: BuildModel) -> None:
    model = joinery(False)
    model.relax("hotel", 2)
    model.relax("hotel", 1)
    view = model.row("hotel")
    assert (view.sense, view.rhs, view.slack) == ("=", 5, 3)
    assert model.row_names == ("labor", "wood", "hotel", "paint")
    assert model.solve().objective == pytest.approx(3 * 8 + 2 * 22)
    model.drop("hotel")
    assert model.row_names == ("labor", "wood", "paint")


def test_relaxing_moves_each_sense_its_own_way(joinery: BuildModel) -> None:
    model = joinery(True)
    model.relax("labor", 4)
    model.relax("wood", 1)
    assert (model.row("labor").rhs, model.row("wood").rhs) == (36, 31)


def test_matrices_tell_models_apart_and_ignore_row_order(joinery: BuildModel, tmp_path: Path) -> None:
    clean, broken = joinery(False), joinery(True)
    assert clean.matrix() != broken.matrix()
    assert broken.flip("labor") and clean.matrix() == broken.matrix()
    assert not broken.flip("hotel")
    clean.write(tmp_path / "m.mps")
    assert GurobiModel.read(tmp_path / "m.mps").matrix() == clean.matrix()


def test_a_file_that_is_no_model_is_an_input_error(tmp_path: Path) -> None:
    for name, text in (("a.mps", "NAME x\nROWS\n Q what\n"), ("b.lp", "min nothing at all ]"), ("c.mps", "")):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(InputError, match=name):
            GurobiModel.read(path)


def test_a_quadratic_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "q.lp"
    path.write_text("Minimize\n x + [ x ^2 ] / 2\nSubject To\n c: x >= 1\nEnd\n")
    with pytest.raises(InputError, match="not linear"):
        GurobiModel.read(path)


def large(path: Path, variables: int, rows: int) -> Path:
    terms = "\n".join(f" x{i} >= 0" for i in range(variables))
    body = "\n".join(f" c{i}: x{i % variables} >= 1" for i in range(rows))
    path.write_text(f"Minimize\n x0\nSubject To\n{body}\nBounds\n{terms}\nEnd\n")
    return path


def test_2000_rows_are_solved_and_2001_variables_name_the_licence(tmp_path: Path) -> None:
    assert GurobiModel.read(large(tmp_path / "fits.lp", 2000, 2000)).solve().objective == 1
    with pytest.raises(ModelTooLargeError, match="licence") as caught:
        GurobiModel.read(large(tmp_path / "large.lp", 2001, 2001)).solve()
    assert "2,000" in caught.value.fix


def test_no_licence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    licence = tmp_path / "gurobi.lic"
    licence.write_text("TYPE=NODE\nVERSION=13\nHOSTNAME=nobody\nHOSTID=0\nEXPIRATION=2001-01-01\nKEY=AAAA\n")
    monkeypatch.setenv("GRB_LICENSE_FILE", str(licence))
    with pytest.raises(LicenceError, match="licence") as caught:
        gurobi.environment.__wrapped__()
    assert "GRB_LICENSE_FILE" in caught.value.fix


def test_one_environment_a_process() -> None:
    assert environment() is environment()


def test_names_that_are_no_text_are_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "latin.mps"
    text = "NAME m\nROWS\n N obj\n L r\xe9\nCOLUMNS\n x obj 1 r\xe9 1\nRHS\n rhs r\xe9 4\nENDATA\n"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        GurobiModel.read(path)


def test_semi_continuous_variables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "semi.lp"
    path.write_text("Minimize\n x\nSubject To\n c: x >= 1\nBounds\n x <= 9\nSemi-Continuous\n x\nEnd\n")
    with pytest.raises(InputError, match="more than an LP or MILP"):
        GurobiModel.read(path)


def test_a_copy_keeps_fractional_bounds_of_integers(tmp_path: Path) -> None:
    columns = "    M1 'MARKER' 'INTORG'\n    x  cost  -1  row  1\n    M2 'MARKER' 'INTEND'\n    y  row  1\n"
    bounds = " LO b x 0.5\n UP b x 3.7\n"
    text = f"NAME t\nROWS\n N  cost\n L  row\nCOLUMNS\n{columns}RHS\n    rhs  row  9\nBOUNDS\n{bounds}ENDATA\n"
    (tmp_path / "m.mps").write_text(text)
    model = GurobiModel.read(tmp_path / "m.mps")
    twin = model.copy()
    assert (twin.variable("x").lower, twin.variable("x").upper) == (0.5, 3.7)
    assert twin.arrays().upper.tolist() == model.arrays().upper.tolist() and twin.matrix() == model.matrix()
    assert twin.solve() == model.solve() == Solution("OPTIMAL", -3.0)


def test_a_right_hand_side_is_set_to_the_last_bit(joinery: Callable[[bool], GurobiModel]) -> None:
    model = joinery(False)
    model.set_rhs("wood", 1e17)
    for value in (0.1, 1 / 3, 1e-300):
        model.set_rhs("wood", value)
        model.set_rhs("hotel", value)
        assert model.row("wood").rhs == value == model.row("hotel").rhs
    model.relax("hotel", 0.5)
    model.set_rhs("hotel", 7.0)
    assert (model.row("hotel").rhs, model.row("hotel").slack) == (7.0, 0.5)
