from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ordebug.core.errors import InputError
from ordebug.eval.attempt import Setting
from ordebug.eval.comparison import compare
from ordebug.eval.intervals import paired_difference, problems_needed
from ordebug.eval.played import PlayedRun
from ordebug.eval.report.comparison import notes, print_comparison
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]


def played(problems: Path, out: Path, policy: str, limit: int | None = None) -> PlayedRun:
    rollout(Rollout(policy, problems, out, Setting(), limit=limit, alone=True))
    return PlayedRun(RunFolder(out))


@pytest.fixture
def runs(make_set: MakeSet, tmp_path: Path) -> tuple[PlayedRun, PlayedRun]:
    problems = make_set(8)
    return played(problems, tmp_path / "oracle", "oracle"), played(problems, tmp_path / "first", "drop-first")


def test_differences_are_paired_and_add_up(runs: tuple[PlayedRun, PlayedRun]) -> None:
    found = compare(*runs)
    assert (found.common, found.only) == (8, (0, 0))
    assert found.settings == {"policy": ("oracle", "drop-first")}
    cause = found.metrics["root_cause_at_1"]
    assert cause.a.value == 1.0 and cause.b.value is not None and cause.difference.difference is not None
    assert cause.difference.difference == pytest.approx(1.0 - cause.b.value)
    assert compare(runs[1], runs[0]).metrics["root_cause_at_1"].difference.difference == -cause.difference.difference


def test_a_run_compared_with_itself_shows_nothing(runs: tuple[PlayedRun, PlayedRun]) -> None:
    found = compare(runs[0], runs[0])
    assert all(metric.difference.difference == 0 and metric.needed is None for metric in found.metrics.values())
    assert found.names == (str(runs[0].folder.path),) * 2


def test_only_common_problems_count(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(8)
    few = played(problems, tmp_path / "few", "oracle", limit=3)
    found = compare(few, played(problems, tmp_path / "all", "oracle"))
    assert (found.common, found.only) == (3, (0, 5))
    assert "note: 5 problems that only all played are left out" in notes(found)


def test_nothing_in_common_is_refused(make_set: MakeSet, tmp_path: Path) -> None:
    first = played(make_set(2, "one"), tmp_path / "a", "oracle")
    other = make_set(2, "two")
    rows = (other / "problems.jsonl").read_text().replace('"p0"', '"q0"').replace('"p1"', '"q1"')
    (other / "problems.jsonl").write_text(rows)
    with pytest.raises(InputError, match="no scored problem in common"):
        compare(first, played(other, tmp_path / "b", "oracle"))


def test_another_problem_of_the_same_name_is_refused(make_set: MakeSet, tmp_path: Path) -> None:
    first = played(make_set(2, "one"), tmp_path / "a", "oracle")
    other = make_set(2, "two")
    (other / "problems.jsonl").write_text((other / "problems.jsonl").read_text().replace("at least 2", "at most 2"))
    with pytest.raises(InputError, match="is another problem in the other"):
        compare(first, played(other, tmp_path / "b", "oracle"))


def test_changed_problems_are_refused(runs: tuple[PlayedRun, PlayedRun]) -> None:
    file = runs[0].problems.folder / "problems.jsonl"
    file.write_text(file.read_text().replace("at least 2", "at least 3"))
    with pytest.raises(InputError, match="differs from what was played"):
        compare(PlayedRun(runs[0].folder), runs[1])


def test_the_table_is_readable(runs: tuple[PlayedRun, PlayedRun]) -> None:
    text = StringIO()
    print_comparison(compare(*runs), Console(file=text, width=80))
    assert "oracle less first: 8 problems" in text.getvalue()
    assert max(map(len, text.getvalue().splitlines())) <= 80


def test_problems_needed_gives_the_power_it_says() -> None:
    """With as many problems as needed, the difference is shown in about 80 of 100 repetitions."""
    rng = np.random.default_rng(3)

    def draw(problems: int) -> tuple[list[float], list[float], list[int]]:
        a, b = rng.random(problems) < 0.6, rng.random(problems) < 0.45
        return list(a.astype(float)), list(b.astype(float)), list(range(problems))

    needed = problems_needed(*draw(20_000))
    assert needed is not None and 130 <= needed <= 210  # by hand: (1.96 + .84)^2 (.24 + .2475) / .15^2 = 170
    shown = [paired_difference(*draw(needed)).low for _ in range(200)]
    assert 0.7 <= np.mean([low is not None and low > 0 for low in shown]) <= 0.9


def test_clusters_need_more_problems() -> None:
    rng = np.random.default_rng(4)
    a = list(np.repeat(rng.random(100) < 0.7, 4).astype(float))
    b = list(np.repeat(rng.random(100) < 0.5, 4).astype(float))
    apart, together = problems_needed(a, b, list(range(400))), problems_needed(a, b, [i // 4 for i in range(400)])
    assert apart is not None and together is not None and together > 3 * apart


@pytest.mark.parametrize("values", [([], []), ([1.0, 0.0], [1.0, 0.0])])
def test_no_difference_needs_no_number(values: tuple[list[float], list[float]]) -> None:
    assert problems_needed(*values, list(range(len(values[0])))) is None
