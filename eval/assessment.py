"""``ordebug report --quality``: the heavy metrics of a run that was played, written into its ``metrics.json``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ordebug.core.jsonl import append_rows, read_json, write_json
from ordebug.core.parallel import parallel_map
from ordebug.env.episode import Episode
from ordebug.env.policies import ANCHORS
from ordebug.eval.played import PlayedRun
from ordebug.eval.quality import STORE, Repair, measure, standing_edits, stored, stored_row
from ordebug.eval.run_folder import RunFolder, drop_torn_line, locked


def assess(run: RunFolder, workers: int, problems: Path | None = None) -> dict[str, Any]:
    """Measures every repair of the run and of its anchors once, and returns the new content of ``metrics.json``.

    Args:
        run: The run.
        workers: Processes.
        problems: Where its problems lie now; None where its manifest says.

    Raises:
        InputError: If the folder holds no finished run, or its problems have changed since.
        UsageError: If another process is at work there.
        LicenceError: If the solver has no licence.
    """
    run.read_metrics()
    played = PlayedRun(run, problems)
    with locked(run.path):
        drop_torn_line(run.path / STORE)
        repairs = _missing(played)
        found = parallel_map(measure, repairs, workers=workers, label="repairs measured")
        for repair, quality in zip(repairs, found, strict=True):
            append_rows(run.path / STORE, [stored_row(repair, quality)])
        return rescore(PlayedRun(run, problems))


def rescore(played: PlayedRun) -> dict[str, Any]:
    """Counts the stored episodes again, as after a metric changed, and writes ``metrics.json``.

    Raises:
        InputError: If the folder holds no run, or its problems have changed since.
    """
    file = played.folder.metrics_file
    known = read_json(file, "a run's metrics") if file.is_file() else {}  # of whatever version
    metrics = played.metrics(known if isinstance(known, dict) else {})
    write_json(played.folder.metrics_file, metrics)
    return metrics


def _missing(played: PlayedRun) -> list[Repair]:
    """The repairs that are not stored yet, each once."""
    run, problems, known = played.folder, played.problems, stored(played.folder.path)
    repairs = {
        repair.key: repair
        for episode in _recovered(run)
        for repair in [
            Repair(
                problems.get(episode.problem_id),
                problems.folder,
                played.setting.actions,
                standing_edits(episode),
                played.setting.rules.solver,
            )
        ]
    }
    return [repair for key, repair in repairs.items() if key not in known]


def _recovered(run: RunFolder) -> Iterator[Episode]:
    for policy in (None, *ANCHORS):
        yield from (episode for episode in run.episodes(policy) if episode.recovered)
