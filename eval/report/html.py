"""One self-contained HTML file of one or more runs: no script, no network, everything in it escaped."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ordebug.core.jsonl import atomic_text
from ordebug.env.episode import Episode
from ordebug.eval.report import rows
from ordebug.eval.report.chart import Chart, charts
from ordebug.eval.run_folder import RunFolder

TEMPLATE = "report.html.j2"
EXAMPLES_EACH = 3
LONGEST_REPLY = 2000
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
    charts: list[Chart]
    outcomes: list[tuple[str, int]]
    examples: list[Episode]
    facts: list[tuple[str, str]]
    manifest: str


def write_report(runs: Sequence[RunFolder]) -> Path:
    """Writes ``report.html`` into the first run's folder and returns its path.

    Raises:
        InputError: If a folder is no run, or one that was not finished.
    """
    views = [_view(run) for run in runs]
    target = runs[0].path / "report.html"
    with atomic_text(target) as file:
        file.write(_environment().get_template(TEMPLATE).render(runs=views))
    return target


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(rows=rows, health=HEALTH, longest_reply=LONGEST_REPLY)
    return environment


def _view(run: RunFolder) -> RunView:
    metrics, manifest = run.read_metrics(), run.read_manifest()
    episodes = list(run.episodes())
    outcomes = Counter(step.outcome for episode in episodes for step in episode.steps)
    return RunView(
        name=run.name,
        metrics=metrics,
        charts=charts(run.name, metrics),
        outcomes=outcomes.most_common(),
        examples=examples(episodes),
        facts=_facts(manifest, metrics),
        manifest=json.dumps(manifest, ensure_ascii=False, indent=1),
    )


def examples(episodes: Sequence[Episode]) -> list[Episode]:
    """The first few episodes that failed and the first few that recovered."""
    played = [episode for episode in episodes if episode.steps]
    failed = [episode for episode in played if not episode.recovered]
    recovered = [episode for episode in played if episode.recovered]
    return failed[:EXAMPLES_EACH] + recovered[:EXAMPLES_EACH]


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
