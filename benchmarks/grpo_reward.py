"""What the GRPO reward of 512 completions costs beyond the environment's own work.

python benchmarks/grpo_reward.py FOLDER [RUNS]

FOLDER is a problem set. 64 prompts (problems are taken again where there are fewer) with 8 completions each: drops and
relaxations of rows of the conflict, GET_IIS, SUBMIT and an unreadable one. One process: ``judge_all`` of every group,
one after another. Two workers: the reward function ``ordebug_outcome`` as ms-swift awaits it, once its workers have
started. In turn, best of RUNS (default 5). What the environment adds to bare solver calls: solver_overhead.py.
"""

import asyncio
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from ordebug.converters.env_config import EnvConfig
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import RepairEnv
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo import rewards
from ordebug.swift_recipes.grpo.decision import Decisions, judge_all
from ordebug.swift_recipes.grpo.judges import Judges

PROMPTS, GROUP, WORKERS = 64, 8, 2


def group(problems: ProblemSet, problem_id: str, config: EnvConfig) -> tuple[list[dict[str, str]], list[str]]:
    """A prompt and its completions."""
    env = RepairEnv(problems.get(problem_id), problems, config.rules)
    state, _ = env.reset()
    env.close()
    rows = list(islice(cycle(state.conflict.rows or state.row_names), 5))
    texts = [f'DROP_CONSTRAINT("{row}")' for row in rows[:3]] + [f'RELAX_CONSTRAINT("{row}", 1)' for row in rows[3:]]
    lines = [f"Action: {text}" for text in (*texts, "GET_IIS()", "SUBMIT()")]
    return config.messages(state), [*lines, "nothing"]


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    problems, config = read_problem_set(folder), EnvConfig(problems=folder)
    ids = list(islice(cycle(problems.problems), PROMPTS))
    made = {problem_id: group(problems, problem_id, config) for problem_id in dict.fromkeys(ids)}
    groups = [[Decisions(i, config, (PolicyReply(text),)) for text in made[i][1]] for i in ids]
    completions = [text for i in ids for text in made[i][1]]
    columns: dict[str, Any] = {
        "problem": [i for i in ids for _ in range(GROUP)],
        "env_config": [config.model_dump(mode="json")] * len(completions),
        "messages": [made[i][0] for i in ids for _ in range(GROUP)],
    }
    judges = Judges(WORKERS)
    rewards.shared_judges = lambda: judges  # type: ignore[attr-defined]
    outcome = rewards.OrdebugOutcome()
    asyncio.run(outcome(completions, **columns))
    alone, together = [], []
    for _ in range(runs):
        start = time.perf_counter()
        for items in groups:
            judge_all(items)
        alone.append(time.perf_counter() - start)
        start = time.perf_counter()
        asyncio.run(outcome(completions, **columns))
        together.append(time.perf_counter() - start)
    judges.close()
    one, two = min(alone), min(together)
    print(f"{len(completions)} completions of {len(made)} problems")
    ratio = WORKERS * two / one
    print(f"one process {one:.3f} s, {WORKERS} workers {two:.3f} s; workers x seconds to one process {ratio:.2f}")


if __name__ == "__main__":
    main()
