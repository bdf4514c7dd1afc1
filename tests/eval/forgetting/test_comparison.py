import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_json, read_rows, write_json, write_rows
from ordebug.eval.forgetting.comparison import compare_sides
from ordebug.eval.forgetting.result import read_forgetting, write_forgetting
from ordebug.eval.forgetting.terminal import print_forgetting

MakeSide = Callable[..., Path]
THRESHOLD = 0.02
RNG = np.random.default_rng(5)
RIGHT = [float(value) for value in RNG.random(1200) < 0.7]


def shown(before: Path, after: Path) -> tuple[Any, str]:
    """The one row, and what a terminal of 80 columns shows."""
    found, text = compare_sides(before, after, THRESHOLD), StringIO()
    print_forgetting(found, Console(file=text, width=80))
    assert max(map(len, text.getvalue().splitlines())) <= 80
    return found.rows[0], text.getvalue()


def test_a_model_that_answers_only_garbage_has_forgotten(recorded: Path) -> None:
    row, text = shown(recorded / "after", recorded / "before")
    assert (row.n, row.before, row.after, row.delta, row.verdict) == (4, 1.0, 0.0, -1.0, "forgotten")
    assert row.low == -1.0 and -1 < row.high < -THRESHOLD
    assert row.cut_off == (0, 4)
    assert "Forgotten: general_qa lost more than 2 points." in text and "4 after were cut off" in text


def test_where_nothing_was_known_nothing_can_be_forgotten(recorded: Path) -> None:
    row, text = shown(recorded / "before", recorded / "before")
    assert (row.delta, row.verdict) == (0.0, "floor")
    assert "nothing to lose" in text and "says nothing of forgetting" in text


def test_the_same_answers_are_kept_only_where_there_are_many(make_side: MakeSide) -> None:
    few, _ = shown(make_side("few", RIGHT[:20]), make_side("few2", RIGHT[:20]))
    many, text = shown(make_side("many", RIGHT), make_side("many2", RIGHT))
    assert (few.delta, few.verdict) == (0.0, "unclear") and few.low < -THRESHOLD < 0 < few.high
    assert (many.delta, many.verdict) == (0.0, "kept") and many.low >= -THRESHOLD
    assert "A loss above 2 points is excluded of every benchmark." in text


def test_a_loss_above_the_threshold_is_shown_by_its_interval(make_side: MakeSide) -> None:
    worse = [value * float(RNG.random() < 0.9) for value in RIGHT]
    row, _ = shown(make_side("a", RIGHT), make_side("b", worse))
    assert row.verdict == "forgotten" and row.low < row.delta < row.high < -THRESHOLD
    assert row.delta == pytest.approx(np.mean(worse) - np.mean(RIGHT)) and row.p < 0.001
    gain, _ = shown(make_side("c", worse), make_side("d", RIGHT))
    assert gain.verdict == "kept" and gain.delta == -row.delta


def test_a_loss_that_chance_explains_is_unclear(make_side: MakeSide) -> None:
    worse = [value * float(place % 10 != 0) for place, value in enumerate(RIGHT[:60])]
    row, text = shown(make_side("a", RIGHT[:60]), make_side("b", worse))
    assert row.verdict == "unclear" and row.delta < -THRESHOLD < row.high
    assert "nor excluded" in text


def test_a_single_question_has_no_interval(make_side: MakeSide) -> None:
    row, _ = shown(make_side("a", [1.0]), make_side("b", [0.0]))
    assert (row.low, row.high, row.verdict) == (None, None, "unclear")


def test_what_was_not_graded_is_left_out_and_told(make_side: MakeSide) -> None:
    row, text = shown(make_side("a", [1.0, None, 1.0, 0.0]), make_side("b", [1.0, 1.0, None, 1.0]))
    assert (row.n, row.ungraded, row.delta) == (2, 2, 0.5)
    assert "2 replies to general_qa were not graded" in " ".join(text.split())


def test_nothing_graded_is_refused(make_side: MakeSide) -> None:
    with pytest.raises(InputError, match="no question was graded on both sides"):
        compare_sides(make_side("a", [None, 1.0]), make_side("b", [1.0, None]), THRESHOLD)


def test_questions_of_one_side_only_are_refused(make_side: MakeSide) -> None:
    with pytest.raises(InputError, match="1 questions were asked on one side only"):
        compare_sides(make_side("a", [1.0, 1.0]), make_side("b", [1.0]), THRESHOLD)


def test_other_questions_are_refused(recorded: Path) -> None:
    path = recorded / "after" / "general_qa" / "reviews" / "model" / "general_qa_repairs.jsonl"
    rows = [row for _, row in read_rows(path)]
    rows[2]["messages"][1]["content"] += "?"
    write_rows(path, rows)
    with pytest.raises(InputError, match="1 questions differ"):
        compare_sides(recorded / "before", recorded / "after", THRESHOLD)


@pytest.mark.parametrize("key", ["limit", "generation", "filters", "metric"])
def test_another_panel_is_refused(recorded: Path, key: str) -> None:
    side = read_json(recorded / "after" / "side.json", "a side")
    side["asked"]["general_qa"][key] = None
    write_json(recorded / "after" / "side.json", side)
    with pytest.raises(InputError, match="were not asked the same: general_qa"):
        compare_sides(recorded / "before", recorded / "after", THRESHOLD)


def test_a_further_benchmark_is_refused(recorded: Path) -> None:
    side = read_json(recorded / "after" / "side.json", "a side")
    side["asked"]["gsm8k"] = side["asked"]["general_qa"]
    write_json(recorded / "after" / "side.json", side)
    with pytest.raises(InputError, match="gsm8k differ"):
        compare_sides(recorded / "before", recorded / "after", THRESHOLD)


def test_another_evalscope_is_refused(recorded: Path) -> None:
    side = read_json(recorded / "after" / "side.json", "a side")
    write_json(recorded / "after" / "side.json", {**side, "evalscope": "1.0"})
    with pytest.raises(InputError, match=r"EvalScope 1\.14\.1 and 1\.0"):
        compare_sides(recorded / "before", recorded / "after", THRESHOLD)


@pytest.mark.parametrize("side", ["[]", "{}", '{"model": 1, "evalscope": 2, "asked": 3}', "no"])
def test_a_record_of_something_else_is_refused(recorded: Path, side: str) -> None:
    (recorded / "after" / "side.json").write_text(side)
    with pytest.raises(InputError):
        compare_sides(recorded / "before", recorded / "after", THRESHOLD)
    with pytest.raises(InputError):
        compare_sides(recorded / "after", recorded / "before", THRESHOLD)


def test_rows_are_read_as_written(recorded: Path, tmp_path: Path) -> None:
    found = compare_sides(recorded / "before", recorded / "after", THRESHOLD)
    write_forgetting(tmp_path / "out" / "forgetting.json", found)
    assert read_forgetting(tmp_path / "out") == found
    assert read_forgetting(tmp_path / "out" / "forgetting.json").rows == found.rows


@pytest.mark.parametrize("text", ["[]", "{}", '{"version": 2}', "NaN"])
def test_a_result_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "forgetting.json").write_text(text)
    with pytest.raises(InputError):
        read_forgetting(tmp_path)


def test_exit_status_is_the_verdict(recorded: Path, tmp_path: Path) -> None:
    def status(*arguments: str) -> tuple[int, str]:
        command = ["ordebug", "forgetting", "compare", *arguments, "--out", str(tmp_path / "out")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    before, after = str(recorded / "before"), str(recorded / "after")
    assert status(before, after)[0] == 0
    assert status(after, before)[0] == 1 and read_forgetting(tmp_path / "out").forgotten == ["general_qa"]
    code, told = status(before, str(tmp_path / "missing"))
    assert code == 2 and "does not exist" in told
