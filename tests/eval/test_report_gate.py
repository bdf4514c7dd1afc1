"""The gate in the report: what is shown, what is said of it, and what is not."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.gate.gate import Check, Gate, gate
from ordebug.eval.gate.record import RESULT, write_gate
from ordebug.eval.gate.thresholds import CHECKS, Threshold, read_thresholds
from ordebug.eval.intervals import Estimate
from ordebug.eval.played import PlayedRun
from ordebug.eval.report.gate import TITLES, gate_view
from ordebug.eval.report.html import write_report
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]


@pytest.fixture
def run(make_set: MakeSet, tmp_path: Path) -> RunFolder:
    out = tmp_path / "run"
    rollout(Rollout("drop-random", make_set(3), out, Setting(rules=Rules(max_steps=5)), samples=8, alone=True))
    return RunFolder(out)


def places(picture: str) -> list[float]:
    """How far each dot of a picture lies from left to right."""
    return [float(x) for x in re.findall(r'class="dot" cx="([0-9.]+)"', picture)]


def test_every_check_has_a_title() -> None:
    assert set(TITLES) == set(CHECKS)
    assert all(len(title) <= 16 for title, _ in TITLES.values()), "a picture cuts longer ones"


def test_without_a_gate_there_is_no_section(run: RunFolder) -> None:
    assert gate_view(run) is None
    assert "Ready for GRPO" not in write_report([run]).read_text()


def test_what_keeps_it_shut_is_told_with_what_to_do(run: RunFolder) -> None:
    found = gate(PlayedRun(run), read_thresholds()).record()
    write_gate(run, found)
    view = gate_view(run)
    assert view is not None and not view.open and view.figure is not None
    shut = [check.check for check in found.checks if not check.passes]
    assert view.verdict.startswith(f"The gate is shut: {len(shut)} of 13 checks")
    assert [title for title, _, _ in view.advice] == [TITLES[name][0] for name in shut]
    assert all(why and fix for _, why, fix in view.advice)
    assert dict(view.unmeasured)["forgetting"] == "no --forgetting was given"
    assert view.warnings == () and len(view.lines) == 13
    lines = {line.title: line for line in view.lines}
    assert lines["prompts kept"].threshold == "≥ 100" and lines["prompts kept"].value == "3"
    assert (lines["RR@5"].threshold, lines["think missing"].role, lines["entropy"].role) == ("≥ .500", "no", "soft")
    page = write_report([run]).read_text()
    assert page.count("Ready for GRPO?") == 1 and page.count("The gate is shut") == 2, "at the top, and with its table"


def test_episodes_that_changed_since_are_told(run: RunFolder) -> None:
    write_gate(run, gate(PlayedRun(run), read_thresholds()).record())
    with run.episodes_file().open("a") as file:
        file.write("\n")
    view = gate_view(run)
    assert view is not None and "have changed since the gate was run" in view.warnings[0]


def test_checks_that_were_left_out_are_told(run: RunFolder) -> None:
    check = Check("rr_at_5", Estimate(0.9, 0.8, 0.95, 9), Threshold(min=0.5, why="w", fix="f"))
    write_gate(run, Gate("run", "", 8, (check,)).record())
    view = gate_view(run)
    assert view is not None and view.open and view.advice == () and view.verdict.startswith("The gate is open")
    assert "headroom" in view.warnings[1] and "RR@5" not in view.warnings[1]


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 9}', '{"version": 1, "checks": NaN}', ""])
def test_another_file_of_that_name_stops_no_report(run: RunFolder, content: str) -> None:
    (run.path / RESULT).write_text(content)
    page = write_report([run]).read_text()
    assert "gate.json" in page and "Ready for GRPO?" in page and "The gate is" not in page


def test_a_folder_of_that_name_stops_no_report(run: RunFolder) -> None:
    (run.path / RESULT).mkdir()
    assert "gate.json" in write_report([run]).read_text()


def line(name: Any, value: float, least: bool, threshold: float) -> Check:
    bounds = {"min": threshold} if least else {"max": threshold}
    return Check(name, Estimate(value, n=9), Threshold.model_validate({**bounds, "why": "w", "fix": "f"}))


def test_margins_run_from_the_worst_to_the_best(run: RunFolder) -> None:
    checks = (
        line("action_valid", 1.0, True, 0.99),
        line("think_missing", 1.0, False, 0.01),
        line("rr_at_5", 0.75, True, 0.5),
        line("headroom", 0.05, True, 0.05),
        line("prompts_left", 5000, True, 100),
        line("prompts_left", 50, True, 100),
        line("forgetting", -0.2, False, 0.03),
        line("think_empty", 0.0, False, 0.0),
        line("think_valid", 1.0, True, 1.0),
    )
    write_gate(run, Gate("run", "", 8, checks).record())
    view = gate_view(run)
    assert view is not None and view.figure is not None
    left, middle, right = 110, 232, 354
    half = (middle + right) / 2, (left + middle) / 2
    wanted = [right, left, half[0], middle, right, half[1], right, middle, middle]
    assert places(view.figure.picture) == pytest.approx(wanted)
    assert "headroom .050 holds, prompts kept 5,000 holds, prompts kept 50 fails" in view.figure.picture


def test_nothing_measured_is_no_picture(run: RunFolder) -> None:
    check = Check("rr_at_5", Estimate(), Threshold(min=0.5, why="w", fix="f"), "no episode that it applies to")
    write_gate(run, Gate("run", "", 8, (check,)).record())
    view = gate_view(run)
    assert view is not None and view.figure is None and view.lines[0].value == "-" and view.lines[0].role == "no"
    assert "RR@5 (no episode that it applies to)." in write_report([run]).read_text()
