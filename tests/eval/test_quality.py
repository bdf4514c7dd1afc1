import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import gurobipy as gp
import pytest
from rich.console import Console

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.episode import Episode, Step
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.env.solvers.gurobi import environment
from ordebug.eval import assessment
from ordebug.eval.assessment import assess
from ordebug.eval.attempt import Setting
from ordebug.eval.quality import STORE, Quality, Repair, measure, standing_edits
from ordebug.eval.report.html import write_report
from ordebug.eval.report.rows import warnings
from ordebug.eval.report.terminal import print_report
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]


def repair(folder: Path, *edits: str) -> Repair:
    """Problem p0: x + y <= 4 (limit) against x + y >= 10 (need), which was 2."""
    return Repair(read_problem_set(folder).get("p0"), folder, "extended", edits)


def test_the_stored_repair_is_equivalent_and_costs_what_it_must(make_set: MakeSet) -> None:
    found = measure(repair(make_set(1), "UPDATE_RHS(need, 2)"))
    assert (found.equivalence, found.touched, found.fewest) == ("equivalent", 1, 1)
    assert found.violation == pytest.approx(0.6) == found.least  # by 6 of 10


def test_violations_of_rows_with_other_scales_compare(make_set: MakeSet) -> None:
    """By the numbers 600 and 6, by the rows' scales 0.6 and 1.5: no repair beats the least."""
    folder = make_set(1)
    model = gp.Model(env=environment())
    x = model.addVar(name="x")
    model.addConstr(100 * x >= 1000, name="need")
    model.addConstr(x <= 4, name="limit")
    model.update()
    model.write(str(folder / "models/p0.mps"))
    model.close()
    found = [measure(repair(folder, f"DROP_CONSTRAINT({row})")) for row in ("need", "limit")]
    assert [quality.violation for quality in found] == [pytest.approx(0.6), pytest.approx(1.5)]
    assert [quality.least for quality in found] == [pytest.approx(0.6)] * 2


def test_another_repair_is_different_by_a_witness(make_set: MakeSet) -> None:
    found = measure(repair(make_set(1), "DROP_CONSTRAINT(limit)", "DROP_CONSTRAINT(balance)"))
    assert (found.equivalence, found.touched, found.fewest) == ("different", 2, 1)
    assert found.reason.startswith("row ")


def test_without_a_clean_model_there_is_no_verdict(make_set: MakeSet) -> None:
    folder = make_set(1)
    rows = [row | {"clean_model_file": None} for _, row in read_rows(folder / "problems.jsonl")]
    write_rows(folder / "problems.jsonl", rows)
    found = measure(repair(folder, "DROP_CONSTRAINT(need)"))
    assert found.equivalence is None and found.touched == 1


def test_what_cannot_be_made_again_is_said(make_set: MakeSet) -> None:
    assert "cannot be made again" in measure(repair(make_set(1), "DROP_CONSTRAINT(nobody)")).reason


def test_edits_that_stand() -> None:
    def step(action: str | None, outcome: str = "applied") -> Step:
        return Step(messages_sha256="", reply="", action=action, outcome=outcome, status="", iis_rows=())

    steps = (step("DROP_CONSTRAINT(a)"), step("RESET()"), step("DROP_CONSTRAINT(b)"), step(None, "no_action"))
    steps += (step("DROP_CONSTRAINT(c)", "unknown_target"), step("GET_IIS()", "shown"), step("FLIP_SENSE(d)"))
    episode = Episode(problem_id="p", policy="x", steps=steps, stop="recovered", objective=1.0)
    assert standing_edits(episode) == ("DROP_CONSTRAINT(b)", "FLIP_SENSE(d)")


@pytest.fixture
def run(make_set: MakeSet, tmp_path: Path) -> Iterator[RunFolder]:
    out = tmp_path / "run"
    rollout(Rollout("drop-first", make_set(4), out, Setting(rules=Rules("extended", max_steps=5))))
    yield RunFolder(out)


def test_a_run_is_measured_once_and_keeps_it(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run.read_metrics()
    assert before["overall"]["equivalent"]["value"] is before["overall"]["edit_cost"]["value"] is None
    after = assess(run, workers=1)
    assert after == run.read_metrics() == json.loads(run.metrics_file.read_text())
    assert after["anchors"]["oracle"]["equivalent"]["value"] == 1.0
    assert after["overall"]["equivalent"] == after["anchors"]["drop-first"]["equivalent"]
    assert after["overall"]["equivalent"]["value"] == 0.0
    assert after["anchors"]["oracle"]["edit_cost"]["value"] == 1.0
    stored = (run.path / STORE).read_text()
    assert len(stored.splitlines()) < sum(len(run.episodes(name)) for name in after["anchors"])
    monkeypatch.setattr(assessment, "measure", None)
    assert assess(run, workers=1) == after
    assert (run.path / STORE).read_text() == stored


def test_the_report_shows_what_was_measured(run: RunFolder) -> None:
    assert "What the repairs did" not in write_report([run]).read_text()
    metrics = assess(run, workers=1)
    assert "its ceiling, one action" in write_report([run]).read_text()
    text = StringIO()
    print_report("run", metrics, Console(file=text, width=80))
    assert "what the repairs did" in text.getvalue() and "…" not in text.getvalue()


def test_playing_on_keeps_what_was_measured(run: RunFolder, tmp_path: Path) -> None:
    after = assess(run, workers=1)
    setting = Setting(rules=Rules("extended", max_steps=5))
    assert rollout(Rollout("drop-first", tmp_path / "set", run.path, setting)) == after


def test_other_problems_are_refused(run: RunFolder, tmp_path: Path) -> None:
    with (tmp_path / "set/models/p0.mps").open("a") as file:
        file.write("* another model\n")
    with pytest.raises(InputError, match="content of models"):
        assess(run, workers=1)


def test_what_was_not_proved_is_said(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment, "measure", lambda repair: Quality("unproved", "the work limit ended it"))
    metrics = assess(run, workers=1)
    assert metrics["unproved"] == {"the work limit ended it": 4}
    assert metrics["overall"]["equivalent"]["n"] == 0
    assert "4 repairs could neither be proved" in " ".join(warnings(metrics))
