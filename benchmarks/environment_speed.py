"""What two workers gain over one, what a group of episodes on one problem costs, and what memory a long run keeps.

python benchmarks/environment_speed.py PROBLEMS [EPISODES]

PROBLEMS is a problem set, EPISODES how many are played for the memory figure (10,000 by default). One run prints all
three; the first two are ratios within it. One worker and two take turns, and the best of each counts; what it takes
two workers to start and to end, with a problem each, is told apart. Two workers gain nothing where other processes
keep the cores busy, so that the processor seconds of both are told as well.
"""

import gc
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from ordebug.env.policies import Turn, anchor
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.eval.anchors import play_anchors
from ordebug.eval.attempt import Setting
from ordebug.eval.run_folder import RunFolder

GROUP = 8
TURNS = 3
SAMPLE = 400
RULES = Rules("compat", max_steps=5)


def workers_gain(problems: ProblemSet) -> str:
    """What two workers gain over one, drop-first on every problem."""
    pair = problems.draw(2, seed=0)
    rounds = [(spent(problems, 1), spent(problems, 2), spent(pair, 2)) for _ in range(TURNS)]
    one, two, start = (min(turns) for turns in zip(*rounds, strict=True))
    with_start, without = one.wall / two.wall, one.wall / (two.wall - start.wall)
    processor = f"processor seconds {one.processor:.1f}, {two.processor:.1f}, of which the start {start.processor:.1f}"
    return f"{with_start:.2f} times one, {without:.2f} without their start ({processor})"


class Spent(NamedTuple):
    """Seconds, and those of processors in this process and its workers."""

    wall: float
    processor: float


def spent(problems: ProblemSet, workers: int) -> Spent:
    """What a run of drop-first costs, everything included."""
    with tempfile.TemporaryDirectory() as folder:
        start, before = time.perf_counter(), sum(os.times()[:4])
        play_anchors(
            RunFolder(Path(folder)),
            problems,
            Setting(rules=RULES),
            policy="drop-first",
            samples=1,
            seed=0,
            workers=workers,
            beside=False,
        )
        return Spent(time.perf_counter() - start, sum(os.times()[:4]) - before)


def play(env: RepairEnv, problems: ProblemSet, rng: random.Random) -> None:
    """One episode of drop-random."""
    problem = env.problem
    observation, _ = env.reset()
    ended = False
    while not ended:
        turn = Turn(observation, problem, RULES.actions, rng, env.model)
        observation, _, terminated, truncated, _ = env.step(anchor("drop-random")(turn))
        ended = terminated or truncated


def group_cost(problems: ProblemSet) -> float:
    """What eight episodes of one problem cost, in single episodes of an environment made anew."""
    singles = groups = 0.0
    for problem in problems:
        for count in (1, GROUP):
            rng = random.Random(problem.problem_id)
            start = time.perf_counter()
            env = RepairEnv(problem, problems, RULES)
            for _ in range(count):
                play(env, problems, rng)
            env.close()
            spent = time.perf_counter() - start
            singles, groups = (singles + spent, groups) if count == 1 else (singles, groups + spent)
    return groups / singles


def memory_growth(problems: ProblemSet, episodes: int) -> float:
    """MiB that the process gains from a tenth of the episodes to the last."""
    rng, chosen = random.Random(0), list(problems)
    at_start = 0.0
    for number in range(episodes):
        env = RepairEnv(chosen[number % len(chosen)], problems, RULES)
        play(env, problems, rng)
        env.close()
        if number == episodes // 10:
            gc.collect()
            at_start = resident()
    gc.collect()
    return resident() - at_start


def resident() -> float:
    """MiB the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    problems = read_problem_set(Path(sys.argv[1]))
    episodes = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    sample = problems.draw(SAMPLE, seed=0)
    print(f"two workers, {len(problems)} problems: {workers_gain(problems)}")
    print(f"{GROUP} episodes of one problem, {len(sample)} problems: {group_cost(sample):.2f} single ones")
    print(f"memory, episode {episodes // 10} to {episodes}: {memory_growth(sample, episodes):+.1f} MiB")


if __name__ == "__main__":
    main()
