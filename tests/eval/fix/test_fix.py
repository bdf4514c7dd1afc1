import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.core.errors import InputError, UsageError
from ordebug.env.solvers.model import read_model
from ordebug.eval.fix.own_model import own_problem, protected_rows, read_meanings

LP = """Maximize
 obj: x + y
Subject To
 limit: x + y <= 4
 need: x + y >= 9
 balance: x - y = 1
Bounds
 x <= 8
 y <= 8
End
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "plant.lp"
    file.write_text(LP)
    return file


def fixed(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["fix", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_repair_is_written_told_and_priced(model: Path) -> None:
    done = CliRunner().invoke(app, ["fix", str(model), "--policy", "drop-last", "--names", str(names(model))])
    assert done.exit_code == 0, done.output
    assert "1. DROP_CONSTRAINT(need): applied, then optimal" in done.stdout
    assert "row need (orders of Lyon): dropped (was x + y >= 9)" in done.stdout
    assert "rows and variables changed: 1; the fewest possible 1" in done.stdout
    assert re.search(r"fewest limits: row (need \(orders of Lyon\)|limit \(hours\)) by 5", done.stdout)
    repaired = read_model(model.parent / "plant-repaired.lp")
    assert repaired.solve().objective == pytest.approx(4.0)
    assert repaired.row_names == ("limit", "balance")
    repaired.close()
    assert model.read_text() == LP


def names(model: Path) -> Path:
    file = model.parent / "names.csv"
    file.write_text("need,orders  of Lyon\nlimit,hours\n")
    return file


def test_protected_rows_stay(model: Path) -> None:
    status, found = fixed(str(model), "--policy", "drop-last", "--protect", "nee*")
    assert (status, found["outcome"]) == (0, "repaired")
    assert [change["name"] for change in found["changes"]] == ["limit"]


def test_what_cannot_be_relaxed_is_not_repaired_and_said(model: Path) -> None:
    arguments = ["fix", str(model), "--policy", "drop-first", "--max-steps", "2", "--protect", "*"]
    model.write_text(LP.replace("x <= 8", "x <= 8").replace("need: x + y >= 9", "need: 0 x >= 1"))
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "is NOT repaired." in done.stdout and "No relaxation helps" in done.stdout
    assert not list(model.parent.glob("plant-repaired*"))


def test_the_attempt_that_changes_least_is_taken(model: Path) -> None:
    status, found = fixed(str(model), "--policy", "random", "--samples", "6", "--seed", "3")
    recovered = [episode for episode in found["attempts"] if episode["stop"] == "recovered"]
    assert status == 0 and len(found["attempts"]) == 6 and recovered
    assert found["quality"]["touched"] == min(1, len(found["changes"]))


def test_a_feasible_and_an_unbounded_model(model: Path) -> None:
    model.write_text(LP.replace(">= 9", ">= 2"))
    assert fixed(str(model), "--policy", "random")[1]["outcome"] == "nothing_to_do"
    model.write_text("Maximize\n x\nSubject To\n c: x - y <= 1\nEnd\n")
    status, found = fixed(str(model), "--policy", "random")
    assert (status, found["before"], found["outcome"]) == (1, "UNBOUNDED", "not_repaired")


def test_a_relaxed_equality_and_gzip_survive_the_file(model: Path) -> None:
    text = LP.replace("balance: x - y = 1", "balance: x - y = 30")
    packed = model.parent / "plant.mps.gz"
    source = read_model_text(model, text)
    packed.write_bytes(gzip.compress(source))
    status, found = fixed(str(packed), "--policy", "relax-big", "--protect", "need", "--protect", "limit")
    assert (status, found["outcome"]) == (1, "not_repaired")  # need and limit contradict each other
    status, found = fixed(str(packed), "--policy", "feasrelax-l0")
    assert (status, found["written"]) == (0, "plant-repaired.mps")
    assert any("between" in change["after"] for change in found["changes"] if change["after"])


def read_model_text(model: Path, text: str) -> bytes:
    model.write_text(text)
    read = read_model(model)
    read.write(model.with_suffix(".mps"))
    read.close()
    content = model.with_suffix(".mps").read_bytes()
    model.with_suffix(".mps").unlink()
    return content


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--policy", "oracle"], "cannot repair a model without labels"),
        (["--policy", "drop-first", "--protect", "nead"], "Did you mean need?"),
        (["--policy", "drop-first", "--out", "here.txt"], "ends with .mps or .lp"),
        (["--policy", "drop-first", "--out", "plant.lp"], "is not overwritten"),
        ([], "no served model is given"),
    ],
)
def test_what_cannot_be_meant_says_the_way_out(model: Path, arguments: list[str], told: str) -> None:
    error = CliRunner().invoke(app, ["fix", str(model), *arguments]).exception
    assert isinstance(error, UsageError)
    assert told in f"{error.message} {error.fix}"


def test_patterns_and_exact_names() -> None:
    rows = ("flow[1,2]", "flow[1,3]", "cap")
    assert protected_rows(["flow[1,2]"], rows) == ("flow[1,2]",)
    assert protected_rows(["f*", "cap"], rows) == rows


def test_names_with_their_meanings(model: Path) -> None:
    file = model.parent / "names.json"
    file.write_text('{"need": "orders\\nof Lyon"}')
    assert read_meanings(file) == {"need": "orders of Lyon"}
    assert own_problem(model, [], read_meanings(file)).description == "need: orders of Lyon"
    file.write_text('["need"]')
    with pytest.raises(InputError, match="not an object of texts"):
        read_meanings(file)
    table = model.parent / "names.csv"
    table.write_text("need\n")
    with pytest.raises(InputError, match=r"names\.csv:1: not two columns"):
        read_meanings(table)
    with pytest.raises(UsageError, match="'nobody' is no row or variable"):
        own_problem(model, [], {"nobody": "?"})
