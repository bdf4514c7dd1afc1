"""What is known to be wrong with the published rows is found, with those figures."""

from pathlib import Path

import pytest

from ordebug.converters.audit.audit import Question, audit
from ordebug.converters.audit.finding import Audit, Finding

GPT, HEURISTIC = "sft_gpt52chat.json", "sft_heuristic.json"


def kinds(done: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in done.findings}


@pytest.fixture(scope="module")
def both(public_bench: Path) -> Audit:
    question = Question(problems=public_bench / "problems" / "full")
    return audit([public_bench / "sft" / GPT, public_bench / "sft" / HEURISTIC], question)


def test_counts(both: Audit) -> None:
    assert both.rows == 5216
    found = kinds(both)
    assert {kind: found[kind].count for kind in found if found[kind].unit == "rows"} == {
        "label_leak": 5216,
        "near_duplicate": 5122,
        "name_leak": 3299,
        "step_without_history": 1207,
        "unknown_problem": 5216 - 741 - 4156,
        "lenient_action": 11,
        "names_elided": 174,
        "lengths_unknown": 5216,
    }
    assert found["step_without_history"].figures == {"numbered_steps": 5216}
    assert found["lenient_action"].examples[0].detail == "DROP_CONSTRAINT takes 1 to 1 arguments"
    assert {finding.kind for finding in both.findings if finding.severity == "error"} == {
        "label_leak",
        "conflicting_actions",
    }


def test_conflicting_actions(both: Audit) -> None:
    conflict = kinds(both)["conflicting_actions"]
    assert (conflict.count, conflict.of, conflict.figures["identical_inputs"]) == (577, 774 + 4442 - 600, 600)
    assert conflict.figures["best_accuracy"] == pytest.approx(0.8894, abs=5e-5)
    assert conflict.figures["best_without_id"] == pytest.approx(0.8817, abs=5e-5)


def test_distribution(both: Audit) -> None:
    told = both.as_json()
    assert {row["action"]: row["rows"] for row in told["actions"]} == {
        "DROP_CONSTRAINT": 280 + 4442,
        "RELAX_CONSTRAINT": 477,
        "UPDATE_BOUNDS": 15,
        "UPDATE_RHS": 2,
    }
    assert {row["type"]: row["rows"] for row in told["types"]} == {"A": 774 + 1090, "B": 1250, "C": 872, "D": 1230}
    assert kinds(both)["no_get_iis_or_submit"].count == 2


def test_names_alone_tell_the_target(both: Audit) -> None:
    patterns = kinds(both)["name_leak"].figures["patterns"]
    assert patterns["_force*"] == {"shown": 1250, "target": 1250}
    assert set(patterns) == {"_force*", "_saboteur*", "_chain_constr_#"}
    first = next(row for row in both.as_json()["predictors"] if row["rule"] == "first of the conflict")
    assert first["accuracy"] == pytest.approx(0.879, abs=5e-4)


@pytest.mark.parametrize(("name", "templates", "steps", "first"), [(GPT, 4, 724, 0.25), (HEURISTIC, 1, 483, 0.99)])
def test_each_file(public_bench: Path, name: str, templates: int, steps: int, first: float) -> None:
    done = audit([public_bench / "sft" / name])
    assert kinds(done)["few_templates"].count == templates
    assert done.as_json()["templates"][0]["distinct"] == templates
    assert kinds(done)["step_without_history"].count == steps
    assert "conflicting_actions" not in kinds(done) or name == GPT
