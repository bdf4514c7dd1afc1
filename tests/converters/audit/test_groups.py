"""What only several rows together show."""

from collections.abc import Callable
from typing import Any

import pytest

from ordebug.converters.audit.audit import Question
from ordebug.converters.audit.finding import Audit, Finding
from ordebug.converters.audit.inspection import Settings

MakeRow = Callable[..., dict[str, Any]]
Look = Callable[..., dict[str, Finding]]


def answered(target: str, thought: str = "why") -> str:
    return f"<think>\n{thought}\n</think>\n\nAction: DROP_CONSTRAINT({target})"


def prompt(index: int, *rows: str) -> str:
    return f"ID: p{index}\n\nConflicting Constraints: {list(rows)}"


def test_copies(look: Look, alpaca_row: MakeRow) -> None:
    again = alpaca_row(metadata={"problem_id": "q"}, input="ID: q\nConflicting Constraints: ['c8', 'c9']")
    rows = [alpaca_row(), alpaca_row(), alpaca_row(input="ID: p1\nConflicting Constraints: ['c5', 'c2']"), again]
    found = look(rows)
    assert found["duplicate"].count == 1
    assert found["duplicate"].examples[0].place.endswith("rows.jsonl:2")
    assert found["duplicate"].examples[0].detail.endswith("rows.jsonl:1")
    assert (found["near_duplicate"].count, found["near_duplicate"].examples[0].place[-1]) == (2, "4")


def test_conflicts_and_what_training_can_reach(look: Look, alpaca_row: MakeRow) -> None:
    outputs = ["c1", "c1", "c2"]
    rows = [alpaca_row(output=answered(target)) for target in outputs]
    rows += [alpaca_row(input=prompt(7, "c1"), output=answered("c1"))]
    found = look(rows)["conflicting_actions"]
    assert (found.severity, found.count, found.of, found.figures["best_accuracy"]) == ("error", 1, 2, 0.75)
    assert (found.examples[0].place[-1], found.examples[0].detail[-1]) == ("1", "3")


def test_another_id_is_no_other_input(look: Look, alpaca_row: MakeRow) -> None:
    rows = [alpaca_row(input=prompt(index, "c1", "c2"), output=answered(f"c{index}")) for index in (1, 2)]
    found = look(rows)["conflicting_actions"]
    assert (found.count, found.figures["best_accuracy"], found.figures["best_without_id"]) == (0, 1, 0.5)


def test_no_conflict_is_no_finding(look: Look, alpaca_row: MakeRow) -> None:
    assert "conflicting_actions" not in look([alpaca_row(), alpaca_row()])


@pytest.mark.parametrize("leak", [True, False])
def test_names_that_tell(look: Look, alpaca_row: MakeRow, leak: bool) -> None:
    """Names are judged by how often they are the target, whatever they are."""
    rows = []
    for index in range(200):
        names = [f"row_{index % 7}", f"row_{9 + index % 5}", "bait_1" if leak or index % 2 else "row_30"]
        order = names[index % 3 :] + names[: index % 3]
        target = names[2] if leak else names[index // 3 % 3]
        rows.append(
            alpaca_row(input=prompt(index, *order), output=answered(target), metadata={"problem_id": f"p{index}"})
        )
    found = look(rows)
    assert ("name_leak" in found, "name_rule" in found) == (leak, leak)
    assert "place_leak" not in found
    if leak:
        assert found["name_leak"].figures["patterns"] == {"bait*": {"shown": 200, "target": 200}}


@pytest.mark.parametrize(("at", "place"), [(0, "first"), (-1, "last")])
def test_places_that_tell(look: Look, alpaca_row: MakeRow, at: int, place: str) -> None:
    rows = []
    for index in range(80):
        names = [f"c{index}", f"c{index + 1}", f"c{index + 2}"]
        rows.append(alpaca_row(input=prompt(index, *names), output=answered(names[at])))
    found = look(rows)
    assert found["place_leak"].figures == {"accuracy": 1, "chance": pytest.approx(1 / 3), "place": place}
    assert "name_leak" not in found


def test_templates(look: Look, alpaca_row: MakeRow) -> None:
    few = [alpaca_row(output=answered("c1", f"c{index} is {index} too large.")) for index in range(60)]
    assert look(few)["few_templates"].count == 1
    letters = [chr(97 + index // 26) + chr(97 + index % 26) for index in range(60)]
    assert "few_templates" not in look([alpaca_row(output=answered("c1", f"{word} is wrong.")) for word in letters])


def test_lengths(audited: Callable[..., Audit], alpaca_row: MakeRow) -> None:
    long = alpaca_row(output=answered("c1", "word " * 50))
    question = Question(Settings(lengths=words), max_length=60)
    done = audited([alpaca_row(), alpaca_row(), long], question)
    cut = next(finding for finding in done.findings if finding.kind == "too_long")
    assert (cut.count, cut.figures["loses_action"], cut.examples[0].place[-1]) == (1, 1, "3")
    both = done.as_json()["lengths"][2]
    assert (both["part"], both["max"]) == ("both", cut.figures["longest"])
    assert f"Raise --max-length to {both['max']}" in cut.advice


def words(conversations: Any) -> list[tuple[int, int]]:
    return [(len(user.split()), len(answer.split())) for _, user, answer in conversations]
