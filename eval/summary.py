"""``metrics.json``: every metric of the run and of the anchors beside it, overall and by error type, with intervals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ordebug.core.jsonl import write_json
from ordebug.env.episode import Episode
from ordebug.env.policies import ANCHORS
from ordebug.env.problem_set import ProblemSet
from ordebug.eval.attempt import Setting
from ordebug.eval.intervals import mean_interval, paired_difference
from ordebug.eval.metrics import METRICS, METRICS_VERSION, Case, pass_sizes, pass_values
from ordebug.eval.quality import Quality, repair_key, standing_edits, stored
from ordebug.eval.run_folder import RunFolder

COMPARED = ("root_cause_at_1", "rr_at_1", "op")
NO_TYPE = "unknown"
Table = dict[str, dict[str, Any]]


def summarise(
    run: RunFolder, problems: ProblemSet, setting: Setting, *, samples: int = 1, **extra: Any
) -> dict[str, Any]:
    """Writes ``metrics.json`` and returns its content.

    Args:
        run: The run, its episodes and its anchors played.
        problems: The problems it was played on.
        setting: What the policies met.
        samples: Attempts at each problem.
        **extra: Further entries.
    """
    metrics = metrics_of(run, problems, setting, samples=samples, **extra)
    write_json(run.metrics_file, metrics)
    return metrics


def metrics_of(
    run: RunFolder, problems: ProblemSet, setting: Setting, *, samples: int = 1, **extra: Any
) -> dict[str, Any]:
    """What ``metrics.json`` holds, by the episodes; the arguments are those of :func:`summarise`."""
    episodes, known = list(run.episodes()), stored(run.path)
    own = cases_of(episodes, problems, setting, known)
    anchors = {
        name: cases_of(run.episodes(name), problems, setting, known)
        for name in ANCHORS
        if run.episodes_file(name).is_file()
    }
    return {
        "version": METRICS_VERSION,
        "policy": run.read_manifest()["config"]["policy"],
        "problems": len(problems),
        "episodes": len(episodes),
        "errors": sum(episode.stop == "error" for episode in episodes),
        **extra,
        **_unproved(own),
        "overall": table(own, samples),
        "by_type": {kind: table(cases, samples) for kind, cases in _by_type(own).items()},
        "anchors": {name: table(cases) for name, cases in anchors.items()},
        "anchors_by_type": {
            name: {kind: table(part, names=COMPARED) for kind, part in _by_type(cases).items()}
            for name, cases in anchors.items()
        },
        "paired": {name: _paired(own, cases) for name, cases in anchors.items()},
    }


def table(cases: Sequence[Case], samples: int = 1, names: Iterable[str] = tuple(METRICS)) -> Table:
    """Each metric's mean over the cases it applies to."""
    estimates = {name: _estimate(cases, name) for name in names}
    clusters = {case.problem.problem_id: case.problem.cluster for case in cases}
    for k in pass_sizes(samples):
        passes = pass_values(cases, k)
        groups = [clusters[problem_id] for problem_id in passes]
        estimates[f"pass_at_{k}"] = asdict(mean_interval(list(passes.values()), groups, share=True))
    return estimates


def _estimate(cases: Sequence[Case], name: str) -> dict[str, Any]:
    metric = METRICS[name]
    measured = [(case, value) for case in cases if (value := metric.measure(case)) is not None]
    values = [value for _, value in measured]
    return asdict(mean_interval(values, [case.problem.cluster for case, _ in measured], share=metric.share))


def cases_of(
    episodes: Iterable[Episode], problems: ProblemSet, setting: Setting, known: Mapping[str, Quality]
) -> list[Case]:
    """The scored episodes among these, each with what its metrics need; one that ended in ``error`` is unscored."""
    return [
        Case(
            episode,
            problems.get(episode.problem_id),
            setting.actions,
            setting.horizon,
            setting.rules.auto_submit,
            quality=known.get(repair_key(episode.problem_id, standing_edits(episode))) if episode.recovered else None,
            assessed=bool(known),
        )
        for episode in episodes
        if episode.stop != "error"
    ]


def _unproved(cases: Iterable[Case]) -> dict[str, dict[str, int]]:
    """How many repairs could neither be proved equivalent nor different, by what the proof said last."""
    reasons = Counter(c.quality.reason for c in cases if c.quality is not None and c.quality.equivalence == "unproved")
    return {"unproved": dict(reasons.most_common())} if reasons else {}


def _by_type(cases: Iterable[Case]) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.problem.error_type or NO_TYPE, []).append(case)
    return dict(sorted(groups.items()))


def _paired(own: Sequence[Case], other: Sequence[Case]) -> Table:
    """The run less an anchor, on the problems both were scored on."""
    clusters = {case.problem.problem_id: case.problem.cluster for case in (*own, *other)}
    differences: Table = {}
    for name in COMPARED:
        a, b = by_problem(own, name), by_problem(other, name)
        both = [problem_id for problem_id in a if problem_id in b]
        found = paired_difference([a[i] for i in both], [b[i] for i in both], [clusters[i] for i in both])
        differences[name] = asdict(found)
    return differences


def by_problem(cases: Iterable[Case], name: str) -> Mapping[str, float]:
    """A metric's mean over each problem's samples."""
    values: dict[str, list[float]] = {}
    for case in cases:
        value = METRICS[name].measure(case)
        if value is not None:
            values.setdefault(case.problem.problem_id, []).append(value)
    return {problem_id: sum(found) / len(found) for problem_id, found in values.items()}
