"""One self-contained HTML file of one or more runs: no network, everything in it escaped, one script of our own."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ordebug.core.errors import InputError
from ordebug.core.jsonl import atomic_text
from ordebug.eval.metrics import Case
from ordebug.eval.played import PlayedRun
from ordebug.eval.report import figures, rows
from ordebug.eval.report.browser import Browser
from ordebug.eval.report.figures import Figure
from ordebug.eval.report.gate import GateView, gate_view
from ordebug.eval.run_folder import RunFolder

TEMPLATE, STYLE, SCRIPT = "report.html.j2", "report.css", "report.js"
HERE = Path(__file__).parent
HEALTH = {
    "action_valid": "reply is one well-formed action",
    "target_exists": "its target exists",
    "think_valid": "thought is valid",
    "think_empty": "thought is empty",
    "think_missing": "thought is missing",
    "think_truncated": "thought is cut off",
    "think_malformed": "thought is malformed",
}
CONFIG_SHOWN = ("policy", "model", "recipe", "problems", "profile", "actions", "max_steps", "samples", "limit", "seed")


@dataclass(frozen=True)
class RunView:
    """What the template shows of a run."""

    name: str
    metrics: rows.Metrics
    headline: list[Figure]
    steps: list[Figure]
    health: list[Figure]
    returns: list[Figure]
    cost: list[Figure]
    gate: GateView | None
    facts: list[tuple[str, str]]
    manifest: str
    trouble: str


def write_report(runs: Sequence[RunFolder], problems: Path | None = None, workers: int = 1) -> Path:
    """Writes ``report.html`` into the first run's folder and returns its path.

    Args:
        runs: The runs; the anchors of the first can be browsed too.
        problems: Where the problems lie now, None where the manifests say. Without them there are fewer pictures.
        workers: Processes in which episodes are played back to show what was seen.

    Raises:
        InputError: If a folder is no run, or one that was not finished.
    """
    played = [PlayedRun(run, problems) for run in runs]
    for run in played:
        run.folder.read_metrics()
        _ = run.manifest  # both are told to be wrong before anything is written
    views = [_view(run) for run in played]
    browser = Browser()
    for place, run in enumerate(played):
        browser.add(run, workers, anchors=place == 0)
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    page = _environment().get_template(TEMPLATE)
    target = runs[0].path / "report.html"
    with atomic_text(target) as file:
        file.write(
            page.render(
                runs=views,
                browser=browser,
                style=Markup((HERE / STYLE).read_text(encoding="utf-8")),
                script=Markup(script),
                script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            )
        )
    return target


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(rows=rows, health=HEALTH)
    return environment


def _view(run: PlayedRun) -> RunView:
    name, metrics = run.folder.name, run.folder.read_metrics()
    episodes = list(run.folder.episodes())
    cases, trouble = _cases(run)
    anchors = {policy: found for policy, found in cases.items() if policy is not None}
    return RunView(
        name=name,
        metrics=metrics,
        headline=figures.headline(name, metrics),
        steps=[*figures.by_steps(name, cases.get(None, []), anchors), *figures.passes(name, metrics)],
        health=figures.health(episodes),
        returns=figures.returns(episodes),
        cost=figures.cost(episodes),
        gate=gate_view(run.folder),
        facts=_facts(run.manifest, metrics),
        manifest=json.dumps(run.manifest, ensure_ascii=False, indent=1),
        trouble=trouble,
    )


def _cases(run: PlayedRun) -> tuple[dict[str | None, list[Case]], str]:
    """The scored episodes of the run and of the anchors that are drawn, and why there are none."""
    wanted = [policy for policy in run.policies if policy is None or policy in figures.CURVES]
    try:
        return {policy: run.cases(policy) for policy in wanted}, ""
    except InputError as error:
        return {}, f"{error.message} {error.fix}"


def _facts(manifest: Mapping[str, Any], metrics: rows.Metrics) -> list[tuple[str, str]]:
    """The settings and versions a reader asks for first."""
    config, versions = manifest["config"], manifest.get("versions", {})
    facts = [(name, str(config[name])) for name in CONFIG_SHOWN if config.get(name) is not None]
    facts += [(f"sha256 of {name}", entry["sha256"]) for name, entry in manifest.get("data", {}).items()]
    facts.append(("versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)))
    for name in ("git_commit", "renderer_version", "reward_version"):
        facts.append((name.replace("_", " "), str(manifest.get(name))))
    # the manifest's is that of the run's beginning
    return [*facts, ("metrics version", str(metrics["version"]))]
