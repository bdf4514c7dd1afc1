"""The anchors played in worker processes, one problem after another: beside any run, and as a run of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ordebug.core.parallel import Executor
from ordebug.core.workers import Failure
from ordebug.env.episode import Episode
from ordebug.env.policies import ANCHORS, Turn, anchor, dice
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv
from ordebug.eval.attempt import Attempt, PolicyReply, Setting
from ordebug.eval.isolation import isolated, lost_episode
from ordebug.eval.run_folder import RunFolder


@dataclass(frozen=True)
class Part:
    """One episode to play.

    Attributes:
        policy: An anchor's name.
        sample: Which attempt.
        beside: Whether it is played beside the run's own policy, to compare with.
    """

    policy: str
    sample: int
    beside: bool


@dataclass(frozen=True)
class Task:
    """All that is to be played on one problem, so that its model is read, solved and explained once."""

    problem: Problem
    folder: Path
    setting: Setting
    seed: int
    parts: tuple[Part, ...]


def play_anchors(
    run: RunFolder,
    problems: ProblemSet,
    setting: Setting,
    *,
    policy: str | None,
    samples: int,
    seed: int,
    workers: int,
    beside: bool = True,
    executor: Executor = "local",
) -> None:
    """Plays every anchor on every problem, and the run's own policy where that is an anchor; finished ones are kept.

    Without ``beside``, only the run's own policy.

    Raises:
        LicenceError: If the solver has no licence.
    """
    missing = _missing(run, policy, samples, list(problems.problems), ANCHORS if beside else ())
    tasks = [
        Task(problem, problems.folder, setting, seed, missing[problem.problem_id])
        for problem in problems
        if missing[problem.problem_id]
    ]
    results = isolated(play, tasks, workers=workers, label="anchors", executor=executor)
    for task, played in zip(tasks, results, strict=True):
        episodes = _lost(task, played) if isinstance(played, Failure) else played
        for part, episode in zip(task.parts, episodes, strict=True):
            run.append([episode], part.policy if part.beside else None)


def _lost(task: Task, failure: Failure) -> list[Episode]:
    return [lost_episode(task.problem, part.policy, part.sample, failure) for part in task.parts]


def play(task: Task) -> list[Episode]:
    """One episode a part, in their order."""
    env = task.setting.environment(task.problem, task.folder)
    try:
        return [_play_part(env, task, part) for part in task.parts]
    finally:
        env.close()


def _play_part(env: RepairEnv, task: Task, part: Part) -> Episode:
    answer = anchor(part.policy)
    rng = dice(task.seed, task.problem.problem_id, part.sample)
    attempt = Attempt(env, task.setting, part.policy, part.sample)
    while attempt.episode is None:
        attempt.take(PolicyReply(answer(Turn(attempt.state, task.problem, task.setting.actions, rng, env.model))))
    return attempt.episode


def _missing(
    run: RunFolder, policy: str | None, samples: int, problem_ids: Sequence[str], anchors: Iterable[str]
) -> dict[str, tuple[Part, ...]]:
    """The parts of each problem that are still to be played."""
    own = [Part(policy, sample, False) for sample in range(samples)] if policy else []
    parts = [*own, *(Part(name, 0, True) for name in anchors)]
    done = {(part.policy, part.beside): run.finished(part.policy if part.beside else None) for part in parts}
    return {
        problem_id: tuple(p for p in parts if (problem_id, p.sample) not in done[p.policy, p.beside])
        for problem_id in problem_ids
    }
