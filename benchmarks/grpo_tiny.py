"""What runs of shell/grpo.sh gained: the reward of each training step as a picture, unseen problems before and after.

    python benchmarks/grpo_tiny.py runs/grpo-1 runs/grpo-2 runs/grpo-3 --png docs/grpo.png

Each run's lines: mean reward of the first and the last ten steps, then of the unseen problems the value before and
after, and the paired difference with its 95 % interval. ``return`` is the environment's, of whole episodes. Of several
runs from one checkpoint, played on the same problems, the last lines take each problem's mean over them: what a run
gains on average, with the problems as what varies, not the seeds.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from ordebug.eval.intervals import Difference, paired_difference
from ordebug.eval.metrics import Case
from ordebug.eval.played import PlayedRun
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.summary import by_problem

METRICS = ("root_cause_at_1", "op", "rr_at_1", "rr_at_5", "action_valid")
RETURN = "return"
ENDS = 10
WINDOW = 15

Values = Mapping[str, float]
"""One value a problem."""


def steps(run: Path) -> list[dict[str, float]]:
    """What was logged of each training step."""
    lines = (run / "grpo" / "logging.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if "reward" in row]


def seed(run: Path) -> int:
    """That of the training."""
    found: int = json.loads((run / "grpo" / "args.json").read_text(encoding="utf-8"))["seed"]
    return found


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return sum(values) / len(values) if values else float("nan")


def smoothed(values: list[float]) -> list[float]:
    """The mean of each value and those before it, a window at most."""
    return [mean(values[max(0, place - WINDOW + 1) : place + 1]) for place in range(len(values))]


def measured(cases: Sequence[Case], name: str) -> Values:
    """A metric, or the return, of each problem."""
    if name != RETURN:
        return by_problem(cases, name)
    found = {case.problem.problem_id: case.episode.reward for case in cases}
    return {key: value for key, value in found.items() if value is not None}


def averaged(runs: Sequence[Values]) -> Values:
    """Each problem's mean over the runs, of the problems that all measured."""
    common = set.intersection(*(set(each) for each in runs))
    return {key: mean([each[key] for each in runs]) for key in sorted(common)}


def gained(runs: Sequence[Path]) -> Iterator[str]:
    """A line a metric: before, after, and the paired difference; of several runs their mean."""
    after, before = ([PlayedRun(RunFolder(run / name)).cases() for run in runs] for name in ("after", "before"))
    clusters = {case.problem.problem_id: case.problem.cluster for cases in before for case in cases}
    for name in (*METRICS, RETURN):
        a, b = (averaged([measured(cases, name) for cases in side]) for side in (after, before))
        both = sorted(a.keys() & b.keys())
        values = [a[key] for key in both], [b[key] for key in both]
        yield line(name, mean(values[1]), mean(values[0]), paired_difference(*values, [clusters[key] for key in both]))


def line(name: str, before: float, after: float, gain: Difference) -> str:
    """One metric."""
    interval = f"{gain.difference:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    return f"  {name:16} {before:.3f} -> {after:.3f}  {interval}  p {gain.p:.4f}  n {gain.n}"


def draw(runs: list[Path], png: Path) -> None:
    """The reward of each step, thin, and its running mean, thick."""
    figure, axis = pyplot.subplots(figsize=(6, 3.2), layout="constrained")
    for number, run in enumerate(runs):
        rewards = [row["reward"] for row in steps(run)]
        places = range(1, len(rewards) + 1)
        axis.plot(places, rewards, color=f"C{number}", linewidth=0.5, alpha=0.3)
        axis.plot(places, smoothed(rewards), color=f"C{number}", linewidth=1.8, label=f"seed {seed(run)}")
    axis.set_xlabel("step")
    axis.set_ylabel("mean reward")
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    figure.savefig(png, dpi=110)


def main() -> None:
    """Prints each run and draws all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders that shell/grpo.sh wrote")
    parser.add_argument("--png", type=Path, help="the picture to write")
    arguments = parser.parse_args()
    for run in arguments.runs:
        logged = steps(run)
        rewards = [row["reward"] for row in logged]
        took = sum(row["step_time"] for row in logged) / 60
        first, last = mean(rewards[:ENDS]), mean(rewards[-ENDS:])
        print(f"{run} (seed {seed(run)}): {len(rewards)} steps, {took:.1f} min; reward {first:.3f} -> {last:.3f}")
        print("\n".join(gained([run])))
    if len(arguments.runs) > 1:
        print(f"mean of {len(arguments.runs)} runs")
        print("\n".join(gained(arguments.runs)))
    if arguments.png:
        draw(arguments.runs, arguments.png)


if __name__ == "__main__":
    main()
