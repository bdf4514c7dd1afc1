"""A result file of ``swift infer`` as a run: every reply is one decision, replayed on the solver."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import existing_file
from ordebug.core.parallel import parallel_map
from ordebug.core.workers import Failure
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.renderer import messages_sha256
from ordebug.eval.anchors import play_anchors
from ordebug.eval.attempt import Replay, Setting, replay
from ordebug.eval.isolation import isolated, lost_episode
from ordebug.eval.rollout import configuration
from ordebug.eval.run_folder import Key, RunFolder
from ordebug.eval.run_manifest import run_manifest
from ordebug.eval.summary import summarise
from ordebug.eval.swift_result import ResultRow, read_result

SCORED = "scored"
"""The policy's name in the episodes: the result file does not say which model answered."""


@dataclass(frozen=True)
class Scoring:
    """What to score.

    Attributes:
        result: What ``swift infer`` wrote.
        problems: Folder of the problem set; each of its problems must be answered once.
        out: The run's folder.
        setting: How the prompts were made; one decision an episode.
        seed: What anchors draw from.
        limit: Only so many problems, drawn at random.
        workers: Processes.
        max_new_tokens: The limit of a reply, so that one that was cut off is known (only where the rows have logprobs).
    """

    result: Path
    problems: Path
    out: Path
    setting: Setting
    seed: int = 0
    limit: int | None = None
    workers: int = 1
    max_new_tokens: int | None = None


def score(request: Scoring) -> dict[str, Any]:
    """Scores the replies and returns the content of ``metrics.json``; ``prompts_differ`` counts foreign prompts.

    Raises:
        UsageError: If a row does not tell its problem, or the folder holds a run of other settings.
        InputError: If a problem has no reply or two.
    """
    whole = read_problem_set(request.problems)
    problems = whole.draw(request.limit, request.seed)
    existing_file(request.result, "a result file of swift infer")
    rows = read_result(
        request.result,
        _keys(problems),
        others=_keys(whole),
        max_new_tokens=request.max_new_tokens,
        prompts=lambda: _prompts(request, whole),
    )
    run = RunFolder(request.out)
    with run.open(_manifest(request, problems)):
        differ = _score_rows(request, run, problems, rows)
        play_anchors(run, problems, request.setting, policy=None, samples=1, seed=request.seed, workers=request.workers)
        return summarise(run, problems, request.setting, prompts_differ=differ)


def _keys(problems: ProblemSet) -> list[Key]:
    return [(problem.problem_id, 0) for problem in problems]


def _prompts(request: Scoring, problems: ProblemSet) -> dict[str, Key]:
    """The problem of each first prompt by its digest; a prompt that two problems share tells nothing."""
    items = [Replay(problem, problems.folder, request.setting, SCORED) for problem in problems]
    shown = parallel_map(replay, items, workers=request.workers, label="prompts")
    digests = [messages_sha256(messages) if messages else "" for messages, _ in shown]
    counts = Counter(digests)
    return {
        digest: (item.problem.problem_id, 0) for digest, item in zip(digests, items, strict=True) if counts[digest] == 1
    }


def _score_rows(request: Scoring, run: RunFolder, problems: ProblemSet, rows: dict[Key, ResultRow]) -> int:
    """Replays every row; returns how many answer another prompt than the renderer's."""
    items = [
        Replay(problem, problems.folder, request.setting, SCORED, replies=(rows[problem.problem_id, 0].reply,))
        for problem in problems
    ]
    finished, differ = run.finished(), 0
    played = isolated(replay, items, workers=request.workers, label="scoring")
    for item, found in zip(items, played, strict=True):
        key = (item.problem.problem_id, 0)
        lost = lost_episode(item.problem, SCORED, 0, found) if isinstance(found, Failure) else None
        messages, episode = ([], lost) if isinstance(found, Failure) else found
        differ += bool(messages) and rows[key].prompt_sha256 != messages_sha256(messages)
        if episode is not None and key not in finished:
            run.append([episode])
    return differ


def _manifest(request: Scoring, problems: ProblemSet) -> dict[str, Any]:
    config = configuration(SCORED, request.problems, request.setting)
    config |= {"seed": request.seed, "samples": 1, "limit": request.limit, "decisions": request.setting.decisions}
    config |= {"max_new_tokens": request.max_new_tokens}
    return run_manifest(config, problems, {"result": request.result})
