"""``ordebug report --quality``: the heavy metrics of a run that was played, written into its ``metrics.json``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError
from ordebug.core.jsonl import append_rows
from ordebug.core.manifest import sha256_file
from ordebug.core.parallel import parallel_map
from ordebug.env.episode import Episode
from ordebug.env.policies import ANCHORS
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.quality import STORE, Repair, measure, standing_edits, stored, stored_row
from ordebug.eval.run_folder import RunFolder, drop_torn_line, locked
from ordebug.eval.run_manifest import models_sha256
from ordebug.eval.summary import summarise

KEPT = ("prompts_differ",)
"""What of the numbers was counted when the run was scored, and is no metric."""


def assess(run: RunFolder, workers: int) -> dict[str, Any]:
    """Measures every repair of the run and of its anchors once, and returns the new content of ``metrics.json``.

    Raises:
        InputError: If the folder holds no finished run, or its problems have changed since.
        UsageError: If another process is at work there.
        LicenceError: If the solver has no licence.
    """
    known, manifest = run.read_metrics(), run.read_manifest()
    config = manifest["config"]
    problems = _problems(run, manifest)
    setting = _setting(config)
    with locked(run.path):
        drop_torn_line(run.path / STORE)
        repairs = _missing(run, problems, setting)
        found = parallel_map(measure, repairs, workers=workers, label="repairs measured")
        for repair, quality in zip(repairs, found, strict=True):
            append_rows(run.path / STORE, [stored_row(repair, quality)])
        kept = {name: known[name] for name in KEPT if name in known}
        return summarise(run, problems, setting, samples=config["samples"], **kept)


def _missing(run: RunFolder, problems: ProblemSet, setting: Setting) -> list[Repair]:
    """The repairs that are not stored yet, each once."""
    known = stored(run.path)
    repairs = {
        repair.key: repair
        for episode in _recovered(run)
        for repair in [
            Repair(
                problems.get(episode.problem_id),
                problems.folder,
                setting.actions,
                standing_edits(episode),
                setting.rules.solver,
            )
        ]
    }
    return [repair for key, repair in repairs.items() if key not in known]


def _recovered(run: RunFolder) -> Iterator[Episode]:
    for policy in (None, *ANCHORS):
        yield from (episode for episode in run.episodes(policy) if episode.recovered)


def _problems(run: RunFolder, manifest: dict[str, Any]) -> ProblemSet:
    """The problems the run was played on."""
    config = manifest["config"]
    problems = read_problem_set(Path(config["problems"])).draw(config["limit"], config["seed"])
    digests = {"problems": sha256_file(problems.source), "models": models_sha256(problems)}
    changed = [name for name, digest in digests.items() if manifest["data"][name]["sha256"] != digest]
    if changed:
        raise InputError(
            f"{run.path}: the content of {' and '.join(changed)} in {problems.folder} differs from what was played.",
            "Restore the problem set, or play the run again.",
        )
    return problems


def _setting(config: dict[str, Any]) -> Setting:
    rules = Rules(config["actions"], config["max_steps"], config["auto_submit"], config.get("solver", "auto"))
    return Setting(config["profile"], rules, config["max_prompt_tokens"], config.get("decisions"))
