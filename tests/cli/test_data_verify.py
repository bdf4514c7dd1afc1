import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ordebug.cli import data
from ordebug.core.errors import InputError, UsageError

MODEL = """Maximize
 obj: x + y
Subject To
 limit: x + y <= 4
 need: x + y >= 10
End
"""
RECORD = {"problem_id": "p", "model_file": "p.lp", "error_type": "D", "original_objective": 4.0}
CAUSE = {"kind": "row", "name": "need", "touches": ["need"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.lp").write_text(MODEL)
    (tmp_path / "problems.jsonl").write_text(json.dumps({**RECORD, "root_cause": [CAUSE]}) + "\n")
    return tmp_path


def rows(folder: Path, *actions: str, problem_id: str = "p") -> Path:
    path = folder / "rows.jsonl"
    text = f"ID: {problem_id}\n\nConflicting Constraints: ['limit', 'need']"
    found = [{"instruction": "Debug.", "input": text, "output": f"Action: {action}"} for action in actions]
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


def run(path: Path, folder: Path, *words: object) -> Result:
    command = ["verify", path, "--problems", folder, "--workers", "1", *words]
    return CliRunner().invoke(data.app, [str(word) for word in command])


def test_all_hold(folder: Path) -> None:
    done = run(rows(folder, "DROP_CONSTRAINT(need)"), folder)
    assert done.exit_code == 0, done.output
    assert "1 rows, 1 replayed, 0 not" in done.output
    assert "1 rows hold (restores), 0 fail, 0 were not replayed" in done.output


def test_one_fails(folder: Path) -> None:
    path = rows(folder, "DROP_CONSTRAINT(need)", "RELAX_CONSTRAINT(need, 1)", "FIX(need)")
    done = run(path, folder)
    assert done.exit_code == 1
    assert "refused, unknown_action: 1" in done.output
    assert "1 rows hold (restores), 2 fail" in done.output
    kept = run(path, folder, "--keep", folder / "good.jsonl", "--reject", folder / "bad.jsonl")
    assert kept.exit_code == 0, kept.output
    assert len((folder / "good.jsonl").read_text().splitlines()) == 1
    assert len((folder / "bad.jsonl").read_text().splitlines()) == 2


def test_json(folder: Path) -> None:
    done = run(
        rows(folder, "DROP_CONSTRAINT(need)", "DROP_CONSTRAINT(limit)"), folder, "--json", "--require", "applies"
    )
    told = json.loads(done.output)
    asked = ("rows", "replayed", "infeasible", "iis_matches", "restores", "root_cause_hits", "op_mean", "kept")
    assert [told[name] for name in asked] == [2, 2, 2, 2, 1, 1, 0.5, 2]
    assert told["by_type"]["D"]["rows"] == 2


def test_no_row_has_a_problem(folder: Path) -> None:
    done = run(rows(folder, "SUBMIT()", problem_id="q"), folder, "--keep", folder / "good.jsonl")
    assert done.exit_code == 1
    assert "not replayed, no_problem: 1" in done.output


def test_actions_can_be_given(folder: Path) -> None:
    path = rows(folder, "FLIP_SENSE(need)")
    assert "refused, unknown_action: 1" in run(path, folder).output
    assert run(path, folder, "--actions", "extended").exit_code == 0


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--require", "nice"], UsageError, "there is no condition 'nice'"),
        (["--problems", "nowhere"], InputError, "not a problem set"),
        (["--keep", "rows.jsonl"], UsageError, "the input itself"),
    ],
)
def test_what_the_user_must_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], error: type[Exception], said: str
) -> None:
    monkeypatch.chdir(folder)
    done = run(rows(folder, "SUBMIT()"), folder, *words)
    with pytest.raises(error, match=said):
        raise done.exception or AssertionError(done.output)


def test_another_solver_is_asked_by_name(folder: Path) -> None:
    path = rows(folder, "DROP_CONSTRAINT(need)")
    assert run(path, folder, "--solver", "highs").exit_code == 0
    error = run(path, folder, "--solver", "cplex").exception
    assert isinstance(error, UsageError) and "Choose one of auto, gurobi, highs" in error.fix
