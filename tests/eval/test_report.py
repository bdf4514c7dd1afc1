import base64
import hashlib
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ordebug.core.errors import InputError
from ordebug.core.jsonl import write_json, write_rows
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Replay, Setting, replay
from ordebug.eval.report import rows
from ordebug.eval.report.html import write_report
from ordebug.eval.report.terminal import print_report
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.scoring import Scoring, score

MakeSet = Callable[..., Path]
EVIL = "<script>alert(1)</script><img src=x> Action: {{ 7 * 7 }}\nAction: DROP_CONSTRAINT(need)"


@pytest.fixture
def scored(make_set: MakeSet, tmp_path: Path) -> tuple[RunFolder, dict[str, Any]]:
    problems = make_set(4)
    result = tmp_path / "result.jsonl"
    replies = []
    for problem in read_problem_set(problems):
        messages, _ = replay(Replay(problem, problems, Setting(), "x"))
        replies.append({"response": EVIL, "messages": messages, "problem_id": problem.problem_id})
    write_rows(result, replies)
    out = tmp_path / "a <b>run"
    return RunFolder(out), score(Scoring(result, problems, out, Setting(rules=Rules(), decisions=1)))


def test_html_is_escaped_and_stands_alone(scored: tuple[RunFolder, dict[str, Any]]) -> None:
    page = write_report([scored[0]]).read_text(encoding="utf-8")
    assert page.count("<script") == 2 and page.count("</script") == 2
    assert "<img" not in page
    assert "\\u003cscript>alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    assert "a &lt;b&gt;run" in page
    assert not re.search(r"<link|\bsrc\s*=\s*[\"']|\bhref\s*=|url\(|@import|https?://", page)
    assert page.count("<svg") == page.count("<desc>") == 7


def test_the_script_is_short_and_the_only_one_allowed(scored: tuple[RunFolder, dict[str, Any]]) -> None:
    page = write_report([scored[0]]).read_text(encoding="utf-8")
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page
    assert script.count("\n") < 300
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", script)


def test_html_of_several_runs_lies_in_the_first(scored: tuple[RunFolder, dict[str, Any]]) -> None:
    run = scored[0]
    written = write_report([run, run])
    assert written == run.path / "report.html"
    assert written.read_text(encoding="utf-8").count("<h1>") == 2


def test_an_unfinished_run_is_refused(scored: tuple[RunFolder, dict[str, Any]]) -> None:
    scored[0].metrics_file.unlink()
    with pytest.raises(InputError, match=r"no metrics\.json"):
        write_report([scored[0]])


def test_a_torn_manifest_is_refused(scored: tuple[RunFolder, dict[str, Any]]) -> None:
    manifest = scored[0].read_manifest()
    del manifest["config"]["actions"], manifest["data"]["models"]
    write_json(scored[0].manifest_file, manifest)
    with pytest.raises(InputError, match="actions, data models missing"):
        write_report([scored[0]])


def test_terminal_fits_80_columns(scored: tuple[RunFolder, dict[str, Any]]) -> None:
    text = StringIO()
    print_report("run", scored[1], Console(file=text, width=80))
    shown = text.getvalue()
    assert "…" not in shown
    assert all(
        word in shown for word in ("drop-random", "feasrelax-l0", "oracle", "cause@1", "1.00", "not shown to beat")
    )


def difference(low: float | None) -> dict[str, Any]:
    return {"difference": 0.1 if low is None else low + 0.1, "low": low, "high": 0.2, "p": 0.01, "n": 9}


def verdict_for(policy: str, **lows: float | None) -> str:
    paired = {name.replace("_", "-"): {"root_cause_at_1": difference(low)} for name, low in lows.items()}
    return rows.verdict({"policy": policy, "paired": paired})


def test_verdict_needs_every_anchor_but_the_oracle() -> None:
    beats = verdict_for("swift-infer", random=0.1, drop_first=0.05, drop_last=0.01, oracle=-0.9)
    assert "beats every anchor" in beats and beats.count("p = ") == 1
    assert "nearest, drop-last: +0.110" in beats
    told = verdict_for("swift-infer", random=0.1, drop_first=0.0, drop_last=None, oracle=0.1)
    assert "not shown to beat drop-first, drop-last" in told


def test_verdict_leaves_out_the_run_itself() -> None:
    assert "drop-first" not in verdict_for("drop-first", random=0.1, drop_first=0.0, drop_last=0.1, oracle=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, ".000"), (0.5, ".500"), (0.9999, "1.00"), (1.0, "1.00"), (10.0, "10.00"), (-0.05, "-.050")],
)
def test_numbers(value: float, text: str) -> None:
    assert rows.number_text(value) == text


def test_warnings_say_what_is_not_comparable() -> None:
    told = rows.warnings({"errors": 2, "episodes": 9, "prompts_differ": 3})
    assert "2 of 9 episodes are unscored" in told[0]
    assert "3 of 9 prompts" in told[1]
    assert rows.warnings({"errors": 0, "episodes": 9}) == []
