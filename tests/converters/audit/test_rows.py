"""Faults of single rows."""

from collections.abc import Callable
from typing import Any

import pytest

from ordebug.converters.audit.finding import Finding

MakeRow = Callable[..., dict[str, Any]]
Look = Callable[..., dict[str, Finding]]
THOUGHT = "<think>\nwhy\n</think>\n\n"
CLEAN = "ID: p1\n\nConflicting Constraints: ['c1', 'c2']"
ALGEBRA = """labor: at most 30 hours
Status: INFEASIBLE
IIS rows:
(1) labor: stools + tables >= 30
(2) "my plan": stools + tables <= 25
IIS bounds: stools up to 12
Other rows: wood, order
Protected: wood
Steps left: 20"""


@pytest.fixture
def faults(look: Look, alpaca_row: MakeRow) -> Callable[..., dict[str, str]]:
    """Errors and warnings of one row, with what its example says."""

    def of(**changes: Any) -> dict[str, str]:
        found = look([alpaca_row(**{"input": CLEAN, **changes})])
        return {
            kind: finding.examples[0].detail
            for kind, finding in found.items()
            if finding.examples and finding.severity != "note"
        }

    return of


def test_a_clean_row_has_no_fault(faults: Callable[..., dict[str, str]]) -> None:
    assert faults() == {}


@pytest.mark.parametrize(
    ("output", "kinds"),
    [
        ("Action: DROP_CONSTRAINT(c1)", ["think_missing"]),
        ("<think>\n</think>\n\nAction: DROP_CONSTRAINT(c1)", ["think_empty"]),
        ("<think>\nc1 Action: DROP_CONSTRAINT(c1)", ["think_truncated"]),
        ("<think>a</think><think>b</think>Action: DROP_CONSTRAINT(c1)", ["think_several"]),
        ("Well. <think>a</think>Action: DROP_CONSTRAINT(c1)", ["think_text_before"]),
        ("why</think>\n\nAction: DROP_CONSTRAINT(c1)", ["unopened_thought"]),
        (THOUGHT, ["unreadable"]),
        (THOUGHT + "I give up.", ["no_action"]),
        (THOUGHT + "Action: DROP_CONSTRAINT(c1)\nAction: SUBMIT()", ["many_actions"]),
        (THOUGHT + "Action: FIX(c1)", ["unknown_action"]),
        (THOUGHT + "Action: RELAX_CONSTRAINT(c1)", ["bad_arguments"]),
        (THOUGHT + "Action: RELAX_CONSTRAINT(c1, inf)", ["not_finite"]),
        (THOUGHT + "Action: DROP_CONSTRAINT(c1, 0.0)", ["lenient_action"]),
        (THOUGHT + "Action: DROP_CONSTRAINT(c)", ["unknown_target"]),
        (THOUGHT + "Action: DROP_CONSTRAINT(c1)\nDone.", ["text_after_action"]),
    ],
)
def test_outputs(faults: Callable[..., dict[str, str]], output: str, kinds: list[str]) -> None:
    assert list(faults(output=output)) == kinds


@pytest.mark.parametrize(
    ("thought", "fault"),
    [
        ("Step 1: c1 is wrong.", {}),
        ("Step 4: c1 is wrong.", {"step_without_history": "Step 4"}),
        ("2 rows conflict, 'c1' and c2.", {}),
        ("c1 and c17 conflict.", {"name_not_shown": "c17"}),
        ("'labor' is wrong.", {"name_not_shown": "labor"}),
        ("DROP_CONSTRAINT of c1 loses 37.5.", {"number_not_shown": "37.5"}),
        ("It isn't c1's fault, it's 'c2'.", {}),
    ],
)
def test_thoughts(faults: Callable[..., dict[str, str]], thought: str, fault: dict[str, str]) -> None:
    assert faults(output=f"<think>\n{thought}\n</think>\n\nAction: DROP_CONSTRAINT(c1)") == fault


def test_a_shown_history_makes_steps_known(faults: Callable[..., dict[str, str]]) -> None:
    output = "<think>\nStep 2: c1.\n</think>\n\nAction: DROP_CONSTRAINT(c1)"
    assert faults(input=CLEAN + "\n\n## Previous Actions\n1. GET_IIS(): ok", output=output) == {}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("DROP_CONSTRAINT(labor)", {}),
        ('RELAX_CONSTRAINT("my plan", 5)', {}),
        ("UPDATE_BOUNDS(stools, 0, 30)", {}),
        ("DROP_CONSTRAINT(wood)", {"protected": "wood"}),
        ("DROP_CONSTRAINT(paint)", {"unknown_target": "paint"}),
    ],
)
def test_targets_in_the_algebra(faults: Callable[..., dict[str, str]], answer: str, fault: dict[str, str]) -> None:
    assert faults(instruction="", input="ID: p1\n" + ALGEBRA, output=f"{THOUGHT}Action: {answer}") == fault


def test_a_target_among_elided_names_is_a_warning(faults: Callable[..., dict[str, str]]) -> None:
    text = ALGEBRA.replace("Other rows: wood, order", "Other rows: 30")
    output = f"{THOUGHT}Action: DROP_CONSTRAINT(paint)"
    assert faults(instruction="", input="ID: p1\n" + text, output=output) == {"target_not_shown": "paint"}


def test_what_cannot_be_read(look: Look, alpaca_row: MakeRow) -> None:
    rows = [alpaca_row(), 5, None, {"a": 1}, {"conversations": []}, {"messages": "x"}]
    found = look(rows)
    assert found["unreadable"].count == 5
    assert [example.detail for example in found["unreadable"].examples[:2]] == [
        "a JSON int, not an object",
        "a JSON NoneType, not an object",
    ]
    assert "mixed_formats" in found


def test_rows_of_messages(look: Look) -> None:
    turns = [{"role": "user", "content": CLEAN}, {"role": "assistant", "content": THOUGHT + "Action: SUBMIT()"}]
    found = look([{"messages": turns}, {"messages": turns, "problem_id": "p1"}])
    assert "no_problem_id" not in found  # the prompt names it
    assert found["duplicate"].count == 1
    assert "unreadable" not in found
