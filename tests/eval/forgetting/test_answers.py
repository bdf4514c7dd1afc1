import json
from pathlib import Path

import pytest

from ordebug.core.errors import InputError
from ordebug.eval.forgetting.answers import read_answers

NAME = "general_qa"
METRIC = "Rouge-L-R"
REVIEWS = Path(NAME) / "reviews" / "model" / f"{NAME}_repairs.jsonl"


def edited(side: Path, **score: object) -> Path:
    """The side's folder, with the first reply's score changed."""
    lines = (side / REVIEWS).read_text().splitlines()
    row = json.loads(lines[0])
    row["sample_score"]["score"].update(score)
    (side / REVIEWS).write_text("\n".join([json.dumps(row), *lines[1:]]) + "\n")
    return side / NAME


def test_what_evalscope_left_is_read(recorded: Path) -> None:
    before = read_answers(recorded / "before" / NAME, NAME, METRIC)
    after = read_answers(recorded / "after" / NAME, NAME, METRIC)
    assert {answer.score for answer in before.values()} == {0.0} and all(a.cut_off for a in before.values())
    assert {answer.score for answer in after.values()} == {1.0} and not any(a.cut_off for a in after.values())
    assert {key: a.question for key, a in before.items()} == {key: a.question for key, a in after.items()}
    assert len({a.question for a in before.values()}) == len(before) == 4


def test_a_benchmark_that_was_not_finished_is_told(recorded: Path) -> None:
    (recorded / "after" / NAME / "reports" / "model" / f"{NAME}.json").unlink()
    with pytest.raises(InputError, match="no finished general_qa"):
        read_answers(recorded / "after" / NAME, NAME, METRIC)


def test_a_benchmark_without_a_reply_is_told(recorded: Path) -> None:
    (recorded / "after" / REVIEWS).write_text("")
    with pytest.raises(InputError, match="was asked nothing"):
        read_answers(recorded / "after" / NAME, NAME, METRIC)


def test_another_metric_is_told_with_those_there_are(recorded: Path) -> None:
    with pytest.raises(InputError, match=r"jsonl:1: there is no metric 'acc', but .*Rouge-L-R"):
        read_answers(recorded / "after" / NAME, NAME, "acc")


def test_an_error_that_evalscope_scores_as_nothing_is_no_score(recorded: Path) -> None:
    """As without NLTK's data: the value is 0.0, the error beside it."""
    folder = edited(recorded / "after", value={"bleu-4": 0.0}, metadata={"metric_errors": {"BLEU": "LookupError"}})
    lines = (recorded / "after" / REVIEWS).read_text().splitlines()
    (recorded / "after" / REVIEWS).write_text(lines[0] + "\n")
    assert [answer.score for answer in read_answers(folder, NAME, "bleu-4").values()] == [None]


def test_a_reply_without_a_value_is_no_score(recorded: Path) -> None:
    folder = edited(recorded / "after", value={})
    assert sum(answer.score is None for answer in read_answers(folder, NAME, METRIC).values()) == 1


@pytest.mark.parametrize("value", [1.5, -0.1, 100])
def test_a_score_that_is_no_share_is_refused(recorded: Path, value: float) -> None:
    with pytest.raises(InputError, match="not a share"):
        read_answers(edited(recorded / "after", value={METRIC: value}), NAME, METRIC)


@pytest.mark.parametrize(
    "line", ["{}", "[]", "{", '{"index": 0, "sample_score": null}', '{"index": 0, "sample_score": 3}']
)
def test_a_line_of_something_else_is_told_with_its_place(recorded: Path, line: str) -> None:
    (recorded / "after" / REVIEWS).write_text(line + "\n")
    with pytest.raises(InputError, match=r"repairs\.jsonl:1"):
        read_answers(recorded / "after" / NAME, NAME, METRIC)


def test_predictions_of_something_else_are_told(recorded: Path) -> None:
    path = recorded / "after" / NAME / "predictions" / "model" / f"{NAME}_repairs.jsonl"
    path.write_text('{"index": 0, "model_output": {"choices": []}}\n')
    with pytest.raises(InputError, match=r"repairs\.jsonl:1: no prediction"):
        read_answers(recorded / "after" / NAME, NAME, METRIC)
