"""The report's page in a real browser; Debian's chromium, driven by playwright."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.problem_set import read_problem_set, write_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.assessment import rescore
from ordebug.eval.attempt import Setting
from ordebug.eval.gate.gate import Check, Gate
from ordebug.eval.gate.record import judged_episodes, write_gate
from ordebug.eval.gate.thresholds import CHECKS, Threshold
from ordebug.eval.intervals import Estimate
from ordebug.eval.played import PlayedRun
from ordebug.eval.report.html import write_report
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

MakeSet = Callable[..., Path]
HACK = "window.hacked=1"
EVIL = f"</script><script>{HACK}</script><img src=x onerror={HACK}><svg onload={HACK}>"
EVIL_NAME = f"<img src=x onerror={HACK}>"
KEPT = 6


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@contextmanager
def opened(browser: Any, page: Path, **settings: Any) -> Iterator[Any]:
    """The page, which must neither complain nor reach for anything but itself."""
    context = browser.new_context(**settings)
    shown = context.new_page()
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: said.append(request.url) if request.url != page.as_uri() else None)
    try:
        shown.goto(page.as_uri())
        yield shown
        assert said == []
    finally:
        context.close()


@pytest.fixture
def run(make_set: MakeSet, tmp_path: Path) -> RunFolder:
    """A random policy, two samples, at six problems."""
    setting = Setting(rules=Rules(max_steps=3))
    rollout(Rollout("random", make_set(KEPT), tmp_path / "run", setting, samples=2))
    return RunFolder(tmp_path / "run")


def count(page: Any) -> str:
    return str(page.locator("#count").inner_text())


def test_it_opens_and_filters(run: RunFolder, browser: Any) -> None:
    recovered = sum(episode.recovered for episode in run.episodes())
    of_type_a = sum(episode.error_type == "A" for episode in run.episodes())
    with opened(browser, write_report([run])) as page:
        assert page.locator("svg").count() == 9
        assert count(page) == f"{2 * KEPT} of {12 * KEPT} episodes"
        page.select_option("#result", "=recovered")
        assert count(page).startswith(f"{recovered} of")
        page.select_option("#result", "")
        page.select_option("#type", "=A")
        assert count(page).startswith(f"{of_type_a} of")
        page.select_option("#type", "")
        page.select_option("#policy", "=anchor oracle")
        assert count(page).startswith(f"{KEPT} of")
        page.fill("#search", "P3")
        assert count(page).startswith("1 of")
        assert page.locator("#detail h3").first.inner_text() == "p3"
        page.fill("#search", "nowhere")
        assert count(page).startswith("0 of") and "No episode is like that" in page.locator("#detail").inner_text()


def test_an_episode_is_shown_turn_by_turn(run: RunFolder, browser: Any) -> None:
    with opened(browser, write_report([run])) as page:
        page.select_option("#policy", "=anchor oracle")
        detail = page.locator("#detail")
        assert not detail.locator("details", has_text="What was broken").locator("ul").first.is_visible()
        detail.locator("summary", has_text="What was broken").click()
        assert ">= 2 becomes >= 1" in detail.inner_text()
        detail.locator("summary", has_text="Prompt").click()
        assert "Repair the infeasible optimization model" in detail.inner_text()
        assert "Read as DROP_CONSTRAINT(need): applied. The solver: optimal" in detail.inner_text()
        assert "row need: dropped (was x + y >= 2)" in detail.inner_text()
        assert "had another digest" not in detail.inner_text()


def test_keys(run: RunFolder, browser: Any) -> None:
    with opened(browser, write_report([run])) as page:
        chosen = page.locator("#list [aria-selected=true]")
        first = chosen.get_attribute("id")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert (first, chosen.get_attribute("id")) == ("episode-0", "episode-1")
        page.locator("#list").focus()
        page.keyboard.press("ArrowDown")
        assert chosen.get_attribute("id") == "episode-2"
        page.keyboard.press("p")
        assert page.locator("#detail .prompt[open]").count() == page.locator("#detail .prompt").count() > 0
        page.keyboard.press("/")
        page.keyboard.type("jk/p5")
        assert page.locator("#search").input_value() == "jk/p5" and count(page).startswith("0 of")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "list"
        page.keyboard.press("Escape")
        assert page.locator("#search").input_value() == "" and count(page).startswith(f"{12 * KEPT} of")


def test_a_long_list_is_paged(run: RunFolder, browser: Any) -> None:
    again = [row | {"sample": sample} for _, row in read_rows(run.episodes_file()) for sample in range(20)]
    write_rows(run.episodes_file(), {(row["problem_id"], row["sample"]): row for row in again}.values())
    rescore(PlayedRun(run))
    with opened(browser, write_report([run])) as page:
        assert page.locator("#list li").count() == 100 and page.locator("#page").inner_text() == "1-100"
        page.click("#on")
        assert page.locator("#list li").count() == 20 and page.locator("#on").is_disabled()
        page.keyboard.press("k")
        assert page.locator("#page").inner_text() == "1-100"


@pytest.mark.parametrize("guarded", [True, False])
def test_nothing_from_a_model_or_a_file_runs(make_set: MakeSet, tmp_path: Path, browser: Any, guarded: bool) -> None:
    """Not even in a browser that does not know the policy that allows one script alone."""
    folder = make_set(2)
    problems = read_problem_set(folder)
    evil = {"problem_id": EVIL, "family": EVIL, "description": EVIL, "error_type": EVIL, "repair": (EVIL,)}
    cause = problems.get("p0").root_cause[0].model_copy(update={"name": EVIL, "touches": (EVIL,)})
    write_problem_set(
        folder, [problems.get("p0").model_copy(update=evil | {"root_cause": (cause,)}), problems.get("p1")]
    )
    run = RunFolder(tmp_path / EVIL_NAME)
    rollout(Rollout("drop-first", folder, run.path, Setting(rules=Rules(max_steps=2))))
    rows = [row for _, row in read_rows(run.episodes_file())]
    for row in rows:
        row["steps"][0] |= {
            "reply": f"<think>{EVIL}</think>{EVIL}\u2028<!--",
            "action": EVIL,
            "outcome": EVIL,
            "status": EVIL,
        }
        row |= {"error": EVIL}
    write_rows(run.episodes_file(), rows)
    report = write_report([run])
    if not guarded:
        report.write_text(re.sub("<meta http-equiv.*>", "", report.read_text()))
    with opened(browser, report) as page:
        assert page.locator("meta[http-equiv]").count() == guarded
        for number in range(len(rows)):
            page.keyboard.press("p")
            for summary in page.locator("summary").all():
                summary.click()
            assert page.evaluate("window.hacked") is None
            text = page.locator("#detail").inner_text()
            assert EVIL in text, number
            page.keyboard.press("j")
        assert page.locator("img").count() == 0 and page.evaluate("document.scripts.length") == 2
        assert page.locator("h1").inner_text() == EVIL_NAME and EVIL_NAME in page.title()


def test_paper_and_pages_without_scripts_have_no_browser(run: RunFolder, browser: Any) -> None:
    report = write_report([run])
    with opened(browser, report) as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert not page.locator(".browser").is_visible() and not page.locator("details").first.is_visible()
        assert page.locator("table").first.is_visible() and page.locator("svg").first.is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 253, 252)"
        assert page.pdf(format="A4")[:4] == b"%PDF"
    with opened(browser, report, java_script_enabled=False) as page:
        assert page.locator("svg").first.is_visible() and not page.locator("#browser").is_visible()
        assert "where scripts may run" in page.locator("noscript").inner_text()


@pytest.mark.parametrize("width", [390, 1100])
def test_nothing_is_wider_than_the_screen(run: RunFolder, browser: Any, width: int) -> None:
    with opened(browser, write_report([run]), viewport={"width": width, "height": 844}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_the_problems_it_shows_what_there_is(run: RunFolder, tmp_path: Path, browser: Any) -> None:
    (tmp_path / "set").rename(tmp_path / "elsewhere")
    with opened(browser, write_report([run])) as page:
        assert "its problems are not at" in page.locator(".one-run .warn").inner_text()
        assert "prompts, causes and models are not shown" in page.locator(".browser").inner_text()
        assert count(page) == f"{2 * KEPT} of {12 * KEPT} episodes"
        assert (
            "The prompt is not stored with this episode. It showed a conflict of"
            in page.locator("#detail").inner_text()
        )
    with opened(browser, write_report([run], problems=tmp_path / "elsewhere")) as page:
        assert page.locator(".warn").count() == 1 and page.locator("#detail .prompt").count() > 0


def test_a_prompt_of_another_version_is_told(run: RunFolder, browser: Any) -> None:
    text = run.episodes_file().read_text()
    digest = json.loads(text.splitlines()[0])["steps"][0]["messages_sha256"]
    run.episodes_file().write_text(text.replace(digest, "0" * 64))
    with opened(browser, write_report([run])) as page:
        told = page.get_by_text("had another digest", exact=False)
        for _ in range(2 * KEPT):
            if told.count():
                break
            page.keyboard.press("j")
        assert told.count() == 1


def gated(run: RunFolder, text: str = "reason") -> RunFolder:
    """The run with a gate whose every check fails, and says so in this text."""
    checks = [
        Check(name, Estimate(0.5, 0.4, 0.95, 9), Threshold(min=0.9, why=text, fix=text), text if not at else "")
        for at, name in enumerate(CHECKS)
    ]
    write_gate(run, Gate(run.name, judged_episodes(run), 8, tuple(checks)).record())
    return run


@pytest.mark.parametrize("width", [390, 1100])
def test_the_gate_is_shown(run: RunFolder, browser: Any, width: int) -> None:
    with opened(browser, write_report([gated(run)]), viewport={"width": width, "height": 844}) as page:
        section = page.locator("section.gate")
        assert section.locator("tbody tr").count() == len(CHECKS) == section.locator("svg .dot").count()
        assert section.locator(".verdict").inner_text().startswith("The gate is shut: 13 of 13 checks")
        assert section.get_by_text("What to do").is_visible() and section.locator(".warn").count() == 0
        assert section.locator("tbody td").last.inner_text() == "fails, unsure"
        assert section.locator(".wide").evaluate("box => box.scrollWidth <= box.clientWidth"), "all columns are seen"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.emulate_media(media="print")
        assert section.is_visible() and section.locator("svg").is_visible()


def test_nothing_from_a_gates_thresholds_runs(run: RunFolder, browser: Any) -> None:
    report = write_report([gated(run, EVIL)])
    report.write_text(re.sub("<meta http-equiv.*>", "", report.read_text()))
    with opened(browser, report) as page:
        assert page.evaluate("window.hacked") is None and page.locator("img").count() == 0
        assert EVIL in page.locator("section.gate").inner_text()
