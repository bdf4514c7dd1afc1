import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.core.jsonl import write_rows
from ordebug.env.solvers.gurobi import GurobiModel

HEAVY = ("pydantic", "gurobipy", "scipy", "pandas", "torch", "swift", "numpy", "statsmodels", "jinja2")
LP = "Maximize\n x + y\nSubject To\n limit: x + y <= 4\n need: x + y >= 9\nBounds\n x <= 8\n y <= 8\nEnd\n"


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "models").mkdir(parents=True)
    source = tmp_path / "model.lp"
    source.write_text(LP)
    model = GurobiModel.read(source)
    model.write(folder / "models/p.mps")
    model.close()
    cause = [{"kind": "rhs", "name": "need", "touches": ["need"]}]
    record = {"problem_id": "p", "model_file": "models/p.mps", "root_cause": cause, "original_objective": 4.0}
    write_rows(folder / "problems.jsonl", [record])
    return folder


def test_modules_import_nothing_heavy() -> None:
    code = (
        "import sys, ordebug.cli.rollout, ordebug.cli.score, ordebug.cli.report\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rollout_then_report(problems: Path, tmp_path: Path) -> None:
    runner, out = CliRunner(), tmp_path / "run"
    arguments = ["rollout", "--policy", "drop-last", "--problems", str(problems), "--out", str(out), "--workers", "1"]
    done = runner.invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "drop-last" in done.output
    assert str(out) in done.output.replace("\n", "")
    done = runner.invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert json.loads(done.stdout) == json.loads((out / "metrics.json").read_text())
    done = runner.invoke(app, ["report", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    assert (out / "report.html").is_file()
    done = runner.invoke(app, ["report", str(out), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)[str(out)]["problems"] == 1
    done = runner.invoke(app, ["report", str(out), "--quality", "--workers", "1"], catch_exceptions=False)
    assert "what the repairs did" in done.output
    assert json.loads((out / "metrics.json").read_text())["overall"]["edit_cost"]["value"] == 1.0


def test_a_solver_by_name_and_its_training_data(problems: Path, tmp_path: Path) -> None:
    runner, out, rows = CliRunner(), tmp_path / "run", tmp_path / "sft.jsonl"
    arguments = ["rollout", "--policy", "drop-last", "--problems", str(problems), "--out", str(out), "--workers", "1"]
    done = runner.invoke(app, [*arguments, "--solver", "highs"], catch_exceptions=False)
    assert done.exit_code == 0
    assert json.loads((out / "episodes.jsonl").read_text())["solver"] == "highs"
    done = runner.invoke(app, ["sft-data", str(out), "--out", str(rows), "--workers", "1", "--without-thought"], catch_exceptions=False)
    assert done.exit_code == 0 and rows.read_text().count("\n") == 1
    wrong = subprocess.run(["ordebug", *arguments, "--solver", "cplex"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "Choose one of auto, gurobi, highs" in " ".join(wrong.stderr.split())
    other = subprocess.run(["ordebug", *arguments], capture_output=True, text=True)
    assert other.returncode == 2 and "solver is 'highs' there and 'auto' now" in " ".join(other.stderr.split())


def test_score(problems: Path, tmp_path: Path) -> None:
    row = {"response": "Action: DROP_CONSTRAINT(need)", "messages": [], "problem_id": "p"}
    write_rows(tmp_path / "result.jsonl", [row])
    arguments = ["score", str(tmp_path / "result.jsonl"), "--problems", str(problems), "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    metrics = json.loads(done.stdout)
    assert metrics["overall"]["rr_at_1"]["value"] == 1.0
    assert metrics["prompts_differ"] == 1
    assert "warning: 1 of 1 prompts" in " ".join(CliRunner().invoke(app, arguments).output.split())


def test_a_report_of_foreign_metrics_says_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"overall": {}, "version": 0}')
    done = subprocess.run(["ordebug", "report", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "metrics of version 0" in done.stderr and "ordebug score" in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_score_and_verify(problems: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    for policy in ("oracle", "drop-first"):
        command = ["rollout", "--policy", policy, "--problems", str(problems), "--out", str(tmp_path / policy)]
        assert runner.invoke(app, command).exit_code == 0
    oracle, first = str(tmp_path / "oracle"), str(tmp_path / "drop-first")
    compared = json.loads(runner.invoke(app, ["compare", oracle, first, "--json"]).stdout)
    assert compared["metrics"]["root_cause_at_1"]["a"]["value"] == 1.0
    assert "oracle less drop-first: 1 problems" in runner.invoke(app, ["compare", oracle, first]).stdout
    assert runner.invoke(app, ["score", oracle]).exit_code == 0
    assert "holds (11 episodes played again" in runner.invoke(app, ["verify-run", oracle]).stdout
    metrics = tmp_path / "oracle/metrics.json"
    metrics.write_text(metrics.read_text().replace('"errors": 0', '"errors": 1'))
    wrong = runner.invoke(app, ["verify-run", oracle])
    assert wrong.exit_code == 1
    assert "metrics.json: errors is 1, and 0 by the episodes" in wrong.stdout
