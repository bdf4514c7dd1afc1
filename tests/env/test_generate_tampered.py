"""``problems check`` on sets of each error type that somebody changed on disk: refused, with what is wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.generate.faults import FAULTS
from ordebug.env.generate.generator import generate
from ordebug.env.generate.plan import Plan
from ordebug.env.problem import Problem
from ordebug.env.solvers.gurobi import GurobiModel

Row = dict[str, Any]
Tamper = Callable[[Row, Path], None]
KINDS = ("row", "bound", "coefficient", "sense", "vartype", "rhs", "data")
OWN_CLAIMS: dict[str, str | tuple[str, ...]] = {
    "A": "more than one row's sense differs",
    "B": "more than one variable's type differs",
    "C": "more than one coefficient differs",
    "D": "what differs is not one added row",
    "E": "there are not exactly two causes",
    "F": ("fewer than two rows differ", "what differs is not one datum"),
    "G": "there are fewer than three causes",
    "H": "more than one bound differs",
    "I": "more than one row's limit differs",
}
"""What each type says of a problem of another type."""


@pytest.fixture(scope="module")
def one_each(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set with one problem of every type, which is proved."""
    folder = tmp_path_factory.mktemp("one-each") / "set"
    generate(folder, Plan(len(FAULTS), tuple(FAULTS), ("planning", "facility"), seed=8), workers=1)
    assert _check(folder) == {}
    return folder


def _check(folder: Path) -> dict[str, list[str]]:
    """The claims that do not hold, by problem, as the command prints them."""
    result = CliRunner().invoke(app, ["problems", "check", str(folder), "--workers", "1", "--json"])
    failed: dict[str, list[str]] = json.loads(result.stdout)["failed"]
    assert result.exit_code == bool(failed), result.output
    return failed


def _edit(path: Path, change: Callable[[GurobiModel], object]) -> None:
    model = GurobiModel.read(path)
    change(model)
    model.write(path)
    model.close()


def _other_row(row: Row, folder: Path) -> str:
    """A row that is neither protected nor at fault."""
    problem = Problem.model_validate(row)
    model = GurobiModel.read(folder / str(problem.clean_model_file))
    names = [name for name in model.row_names if name not in problem.protected and name not in problem.touched]
    model.close()
    return names[0]


def _cause_kind(row: Row, folder: Path) -> None:
    row["root_cause"][0]["kind"] = next(kind for kind in KINDS if kind != row["root_cause"][0]["kind"])


def _cause_place(row: Row, folder: Path) -> None:
    row["root_cause"][-1]["touches"] = [_other_row(row, folder)]


def _cause_name(row: Row, folder: Path) -> None:
    row["root_cause"][0]["name"] = "elsewhere"


def _part_of_the_repair(row: Row, folder: Path) -> None:
    row["repair"] = row["repair"][:-1] or [f"RELAX_CONSTRAINT({_other_row(row, folder)}, 1)"]


def _repair_of_more(row: Row, folder: Path) -> None:
    row["repair"].append(f"DROP_CONSTRAINT({_other_row(row, folder)})")


def _clean_model_without_a_row(row: Row, folder: Path) -> None:
    name = _other_row(row, folder)
    _edit(folder / row["clean_model_file"], lambda model: model.drop(name))


def _clean_model_missing(row: Row, folder: Path) -> None:
    (folder / row["clean_model_file"]).unlink()


def _broken_model_with_another_change(row: Row, folder: Path) -> None:
    name = _other_row(row, folder)
    _edit(folder / row["model_file"], lambda model: model.relax(name, 0.5))


def _objective(row: Row, folder: Path) -> None:
    row["original_objective"] *= 1.001


def _protected_unknown(row: Row, folder: Path) -> None:
    row["protected"].append("R999")


def _protected_core_repair(row: Row, folder: Path) -> None:
    """Protects what the stored core repair changes; where none is, says that there is one."""
    rows = [text.split("(")[1].split(",")[0].rstrip(")") for text in row["core_repair"]]
    row["protected"] += rows
    row["repairable"]["core"] = True


def _description(row: Row, folder: Path) -> None:
    name = _other_row(row, folder)
    row["description"] = row["description"].replace(f"\n{name}: ", f"\n{name}: at most 0.125 things, ")


def _fewest(row: Row, folder: Path) -> None:
    row["fewest_actions"] += 1


TAMPERED: list[tuple[Tamper, str]] = [
    (_cause_kind, "is called a"),
    (_cause_place, "the causes touch"),
    (_cause_name, "the cause is named elsewhere|does not tell the datum"),
    (_part_of_the_repair, "does not give back the clean model"),
    (_repair_of_more, "does not give back the clean model"),
    (_clean_model_without_a_row, "what differs from the clean model is"),
    (_clean_model_missing, "has no model file"),
    (_broken_model_with_another_change, "what differs from the clean model is"),
    (_objective, "the clean model's objective is"),
    (_protected_unknown, "protected rows are not in the clean model: R999"),
    (_protected_core_repair, "not allowed|the core repair is not of the fewest"),
    (_description, "not alike"),
    (_fewest, "fewest"),
]


@pytest.mark.parametrize("error_type", list(FAULTS))
def test_a_tampered_set_of_each_type_is_refused_with_what_is_wrong(
    one_each: Path, tmp_path: Path, error_type: str
) -> None:
    rows = [row for _, row in read_rows(one_each / "problems.jsonl") if row["error_type"] == error_type]
    for number, (tamper, says) in enumerate(TAMPERED):
        folder = tmp_path / str(number)
        shutil.copytree(one_each / "models", folder / "models")
        row = json.loads(json.dumps(rows[0]))
        tamper(row, folder)
        write_rows(folder / "problems.jsonl", [row])
        failed = _check(folder)
        assert any(part in "; ".join(failed[row["problem_id"]]) for part in says.split("|")), (tamper.__name__, failed)


@pytest.mark.parametrize("error_type", list(FAULTS))
def test_a_problem_of_another_type_is_refused_by_the_type_itself(
    one_each: Path, tmp_path: Path, error_type: str
) -> None:
    rows = [row for _, row in read_rows(one_each / "problems.jsonl")]
    shutil.copytree(one_each / "models", tmp_path / "models")
    told = [row | {"error_type": error_type} for row in rows if row["error_type"] != error_type]
    write_rows(tmp_path / "problems.jsonl", told)
    failed = _check(tmp_path)
    assert failed.keys() == {row["problem_id"] for row in told}
    for claims in failed.values():
        assert any(claim.startswith(OWN_CLAIMS[error_type]) for claim in claims), claims


def test_an_added_row_must_be_withdrawn_and_a_tenth_beyond(one_each: Path, tmp_path: Path) -> None:
    row = next(row for _, row in read_rows(one_each / "problems.jsonl") if row["error_type"] == "D")
    shutil.copytree(one_each / "models", tmp_path / "models")
    name = row["root_cause"][0]["name"]
    clean = GurobiModel.read(tmp_path / row["clean_model_file"])
    broken = GurobiModel.read(tmp_path / row["model_file"])
    view = broken.row(name)
    terms = {variable: value for value, variable in view.terms}
    reach = float(clean.extreme(terms, maximize=view.sense == ">=").objective or 0)
    limit = reach * (1.05 if view.sense == ">=" else 0.95)
    broken.set_rhs(name, limit)
    broken.write(tmp_path / row["model_file"])
    clean.close()
    broken.close()
    write_rows(tmp_path / "problems.jsonl", [row])
    claims = _check(tmp_path)[row["problem_id"]]
    assert "the added row is not a tenth beyond what the clean model can reach" in claims
    lines = str(row["description"]).replace(f"{name}: withdrawn ", f"{name}: at least 0 ")
    write_rows(tmp_path / "problems.jsonl", [row | {"description": lines}])
    claims = _check(tmp_path)[row["problem_id"]]
    assert "the description does not say that the added row was withdrawn" in claims
