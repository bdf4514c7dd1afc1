import gzip
import os
import time
from pathlib import Path

import pytest

from ordebug.core.errors import InputError, LicenceError, ModelTooLargeError, SolverError
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.solvers import gurobi, model, model_file
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.env.solvers.highs import HighsModel
from ordebug.env.solvers.model import SolverName, read_model

SMALL = "Minimize\n x\nSubject To\n c: x >= 1\n e: x + y = 2\nEnd\n"


def large(path: Path, rows: int, variables: int) -> Path:
    body = "\n".join(f" c{i}: x{i % variables} + x{(i + 1) % variables} = 1" for i in range(rows))
    costs = "\n".join(f" + {int(i == 0)} x{i}" for i in range(variables))
    path.write_text(f"Minimize\n{costs}\nSubject To\n{body}\nEnd\n")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.lp"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize(("solver", "kind"), [("auto", GurobiModel), ("gurobi", GurobiModel), ("highs", HighsModel)])
def test_the_solver_by_name(small: Path, solver: SolverName, kind: type) -> None:
    read = read_model(small, solver)
    assert isinstance(read, kind) and read.solve().objective == 1


def test_beyond_the_licence_highs_takes_over_unless_gurobi_was_named(tmp_path: Path) -> None:
    path = large(tmp_path / "large.lp", 40, 2001)
    read = read_model(path)
    assert isinstance(read, HighsModel) and read.solve().objective == 0
    with pytest.raises(ModelTooLargeError, match="licence") as caught:
        read_model(path, "gurobi")
    assert "highspy" in caught.value.fix
    assert isinstance(read_model(large(tmp_path / "fits.lp", 40, 2000)), GurobiModel)


def test_without_a_licence_highs_takes_over(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise LicenceError("no valid Gurobi licence.")

    monkeypatch.setattr(gurobi, "environment", refused)
    assert isinstance(read_model(small), HighsModel)
    with pytest.raises(LicenceError):
        read_model(small, "gurobi")


def test_without_highspy_the_licence_is_what_is_told(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "find_spec", lambda name: None)
    assert isinstance(read_model(small), GurobiModel)
    with pytest.raises(ModelTooLargeError):
        read_model(large(tmp_path / "large.lp", 40, 2001))
    with pytest.raises(SolverError, match="HiGHS is not installed"):
        read_model(small, "highs")


def test_relaxing_an_equality_of_a_model_as_large_as_the_licence_allows(tmp_path: Path) -> None:
    read = read_model(large(tmp_path / "full.lp", 2000, 2000))
    assert isinstance(read, GurobiModel)
    read.relax("c7", 0.5)
    assert read.solve().status == "OPTIMAL" and len(read.row_names) == 2000
    read.set_bounds("x7", 3, 4)
    assert read.solve().status == "INFEASIBLE"
    conflict = read.conflict()
    assert conflict.rows and {bound.variable for bound in conflict.bounds} >= {"x7"}
    read.drop("c7")
    assert read.row("c6").slack == 0


RANGES = """NAME q
ROWS
 N obj
 L c1
 E c2
COLUMNS
 x obj 1 c1 1
 x c2 1
 y obj 1 c1 1
RHS
 rhs c1 4 c2 2
RANGES
 r c1 1 c2 -3
ENDATA
"""


def test_rows_with_a_range_show_no_helper_in_either_solver(tmp_path: Path) -> None:
    path = tmp_path / "ranges.mps"
    path.write_text(RANGES)
    in_gurobi, in_highs = read_model(path, "gurobi"), read_model(path, "highs")
    assert in_gurobi.variable_names == in_highs.variable_names == ("x", "y")
    assert in_gurobi.row("c1").slack == 0.5 and in_gurobi.row("c2").rhs == 0.5
    assert in_gurobi.matrix() == in_highs.matrix()
    assert in_gurobi.solve().objective == in_highs.solve().objective == 3


def test_unbounded_is_said_of_feasible_models_only(tmp_path: Path) -> None:
    path = tmp_path / "both.lp"
    path.write_text("max\n z\nst\n c: x + y >= 3\n d: x + y <= 2\n e: z >= 1\nend\n")
    for solver in ("gurobi", "highs"):
        read = read_model(path, solver)
        assert read.solve().status == "INFEASIBLE"
        assert read.conflict().rows == ("c", "d")


def refused(path: Path, match: str) -> None:
    start = time.perf_counter()
    for solver in ("gurobi", "highs"):
        with pytest.raises(InputError, match=match):
            read_model(path, solver)
    assert time.perf_counter() - start < 5


def test_a_gzip_bomb_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.mps.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(256):
            file.write(b" " * 2**20)
    assert path.stat().st_size < 2**20
    refused(path, "more than 64 MiB")


def test_a_100_mb_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.mps"
    with path.open("wb") as file:
        file.truncate(100 * 10**6)
    refused(path, "more than 64 MiB")


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mps")
    (tmp_path / "folder.lp").mkdir()
    refused(tmp_path / "pipe.mps", "a pipe, socket or device")
    refused(tmp_path / "folder.lp", "is a folder")
    refused(tmp_path / "nothing.mps", "cannot be read")


def test_names_and_content_must_fit(tmp_path: Path, small: Path) -> None:
    (tmp_path / "m.py").write_text(SMALL)
    refused(tmp_path / "m.py", "not named as a model file")
    (tmp_path / "m.lp").write_bytes(gzip.compress(SMALL.encode()))
    refused(tmp_path / "m.lp", "suffix does not tell")
    (tmp_path / "m.lp.gz").write_bytes(gzip.compress(SMALL.encode())[:-9])
    refused(tmp_path / "m.lp.gz", "not a whole gzip file")
    (tmp_path / "n.lp.gz").write_bytes(gzip.compress(SMALL.encode()))
    for solver in ("gurobi", "highs"):
        assert read_model(tmp_path / "n.lp.gz", solver).solve().objective == 1


def test_the_limit_lies_where_it_is_said_to_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.lp.gz").write_bytes(gzip.compress(SMALL.encode()))
    monkeypatch.setattr(model_file, "MOST_BYTES", len(SMALL))
    model_file.check_model_file(tmp_path / "m.lp.gz")
    monkeypatch.setattr(model_file, "MOST_BYTES", len(SMALL) - 1)
    refused(tmp_path / "m.lp.gz", "more than")


@pytest.mark.parametrize("name", ["link.lp", "../out.lp", "models/link.lp"])
def test_links_out_of_the_set_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "models").mkdir(parents=True)
    (tmp_path / "out.lp").write_text(SMALL)
    (folder / "link.lp").symlink_to(tmp_path / "out.lp")
    (folder / "models" / "link.lp").symlink_to("../../out.lp")
    problem = Problem(problem_id="p", model_file=name)
    with pytest.raises(InputError, match="points outside its folder"):
        ProblemSet(folder, {"p": problem}).model_path(problem)
    (folder / "in.lp").write_text(SMALL)
    (folder / "models" / "in.lp").symlink_to(folder / "in.lp")
    inside = Problem(problem_id="q", model_file="models/in.lp")
    assert read_model(ProblemSet(folder, {"q": inside}).model_path(inside)).solve().objective == 1
