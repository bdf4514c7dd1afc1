"""What the GRPO reward of 512 completions costs beside the bare solver calls in it, elastic solves among them.

python benchmarks/grpo_reward.py FOLDER [ROUNDS]

FOLDER is a problem set of at least 33 problems within Gurobi's licence. 64 prompts (problems are taken again where
there are fewer) with 8 completions each: drops and relaxations of rows of the conflict, GET_IIS, SUBMIT and an
unreadable one.
Ours: the reward function ``ordebug_outcome`` as ms-swift awaits it, with two workers, once they have started. Bare: the
solver calls that ours was seen to make for each group, made again by two processes with gurobipy and highspy alone:
reading, copying, editing, solving, conflicts, the extremes that prove equivalence, and HiGHS on elastic programs, which
were built beforehand or, on the second line, are built as ours builds them. What several completions of a group need is
solved once on both sides. The same in one process, where ours is ``judge_all``. In turn, least of ROUNDS (default 9).
What the environment itself adds to an episode: solver_overhead.py.
"""

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest import mock

import gurobipy as gp
from gurobipy import GRB

from ordebug.converters.env_config import EnvConfig
from ordebug.env import judge
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import RepairEnv
from ordebug.env.solvers import highs_engine
from ordebug.env.solvers.arrays import Arrays
from ordebug.env.solvers.elastic import NAME, everything
from ordebug.env.solvers.elastic_program import elastic
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.env.solvers.gurobi_environment import environment
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo import decision, rewards
from ordebug.swift_recipes.grpo.decision import Decisions, judge_all
from ordebug.swift_recipes.grpo.judges import Judges

PROMPTS, GROUP, WORKERS = 64, 8, 2
KINDS = {"solve": "solves", "conflict": "conflicts", "extreme": "extremes", "weigh": "elastic solves"}

Call = tuple[str, int, tuple[Any, ...]]
"""A solver call: which, of which model, with what."""

# --- the calls, seen ------------------------------------------------------------------------------------------------


@contextmanager
def seen(calls: list[Call]) -> Iterator[None]:
    """Writes down each call that ours makes of a solver."""
    slots: dict[int, int] = {}
    models: list[GurobiModel] = []  # kept, so that no id is given twice

    def slot(model: GurobiModel) -> int:
        if id(model) not in slots:
            slots[id(model)] = len(slots)
            models.append(model)
        return slots[id(model)]

    def before(name: str, told: Callable[..., tuple[Any, ...]]) -> Any:
        made = getattr(GurobiModel, name)

        def noted(self: GurobiModel, *args: Any, **kwargs: Any) -> Any:
            calls.append((name, slot(self), told(self, *args, **kwargs)))
            with silent() if name == "extreme" else noise():
                return made(self, *args, **kwargs)

        return mock.patch.object(GurobiModel, name, noted)

    @contextmanager
    def silent() -> Iterator[None]:
        """An extreme is one call, though it solves."""
        kept = len(calls)
        yield
        del calls[kept:]

    @contextmanager
    def noise() -> Iterator[None]:
        yield

    read, copy, weigh = GurobiModel.read, GurobiModel.copy, judge.least_violation

    def noted_read(path: Path) -> GurobiModel:
        model = read(path)
        calls.append(("read", slot(model), (str(path),)))
        return model

    def noted_copy(self: GurobiModel) -> GurobiModel:
        twin = copy(self)
        calls.append(("copy", slot(twin), (slot(self),)))
        return twin

    def noted_weigh(model: Arrays) -> float:
        slot_weighed = latest(calls)
        calls.append(("build", slot_weighed, (model.having(),)))
        calls.append(("weigh", slot_weighed, (program_of(model),)))
        return weigh(model)

    patches = [
        mock.patch.object(GurobiModel, "read", staticmethod(noted_read)),
        mock.patch.object(GurobiModel, "copy", noted_copy),
        mock.patch.object(judge, "least_violation", noted_weigh),
        *(before(name, lambda self: ()) for name in ("close", "forget", "solve", "conflict")),
        before("drop", lambda self, name: (list(self.row_names).index(name),)),
        before("relax", lambda self, name, amount: (list(self.row_names).index(name), amount)),
        before(
            "extreme", lambda self, terms, *, maximize: ([terms.get(x, 0.0) for x in self.variable_names], maximize)
        ),
    ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def latest(calls: Sequence[Call]) -> int:
    """The model that was worked on last and is still there."""
    gone = {slot for name, slot, _ in calls if name == "close"}
    return next(slot for _, slot, _ in reversed(calls) if slot not in gone)


# --- the calls, made ------------------------------------------------------------------------------------------------


def program_of(model: Arrays) -> Arrays:
    """The elastic program that ours solves."""
    return elastic(model, everything(model), integral=False).program


def make(calls: Sequence[Call], *, build: bool = False) -> None:
    """Makes them with gurobipy and highspy alone; ``build`` also builds the elastic programs."""
    models: dict[int, gp.Model] = {}
    for name, slot, args in calls:
        if name == "build":
            if build:
                program_of(args[0].having())  # without what was computed of it
        elif name == "read":
            models[slot] = gp.read(args[0], env=environment())
        elif name == "copy":
            models[slot] = models[args[0]].copy()
        else:
            MADE[name](models[slot], *args)
    for model in models.values():
        model.dispose()


def conflict(model: gp.Model) -> None:
    model.computeIIS()
    for name in ("IISConstr", "IISLB", "IISUB"):
        model.getAttr(name)


def drop(model: gp.Model, row: int) -> None:
    model.remove(model.getConstrs()[row])
    model.update()


def relax(model: gp.Model, row: int, amount: float) -> None:
    constr = model.getConstrs()[row]
    if constr.Sense == GRB.EQUAL:
        model.addLConstr(model.getRow(constr), GRB.GREATER_EQUAL, constr.RHS - amount)
        constr.Sense = GRB.LESS_EQUAL
    constr.RHS += -amount if constr.Sense == GRB.GREATER_EQUAL else amount
    model.update()


def extreme(model: gp.Model, objective: list[float], maximize: bool) -> None:
    before, sense = model.getAttr("Obj"), model.ModelSense
    model.setAttr("Obj", objective)
    model.ModelSense, model.Params.MIPGap = (GRB.MAXIMIZE if maximize else GRB.MINIMIZE), 0.0
    model.optimize()
    model.setAttr("Obj", before)
    model.ModelSense, model.Params.MIPGap = sense, 1e-6
    model.update()


def weigh(model: gp.Model, program: Arrays) -> None:
    """The model leaves Gurobi, and HiGHS solves what was made of it."""
    model.getA()
    for name in ("Sense", "RHS", "LB", "UB", "VType"):
        model.getAttr(name)
    highs = highs_engine._passed(program, NAME)
    highs.setOptionValue("presolve", "off")
    highs.run()


MADE: dict[str, Callable[..., Any]] = {
    "close": lambda model: model.dispose(),
    "forget": lambda model: model.reset(),
    "solve": lambda model: model.optimize(),
    "conflict": conflict,
    "drop": drop,
    "relax": relax,
    "extreme": extreme,
    "weigh": weigh,
}

# --- the measurement ------------------------------------------------------------------------------------------------

_held: list[list[Call]] = []


def hold(groups: list[list[Call]]) -> None:
    """Keeps a worker's calls, so that they are sent once."""
    _held[:] = groups


def make_held(number: int) -> None:
    make(_held[number])


def make_and_build_held(number: int) -> None:
    make(_held[number], build=True)


def group(problems: ProblemSet, problem_id: str, config: EnvConfig) -> tuple[list[dict[str, str]], list[str]]:
    """A prompt and its completions."""
    env = RepairEnv(problems.get(problem_id), problems, config.rules)
    state, _ = env.reset()
    env.close()
    rows = list(islice(cycle(state.conflict.rows or state.row_names), 5))
    texts = [f'DROP_CONSTRAINT("{row}")' for row in rows[:3]] + [f'RELAX_CONSTRAINT("{row}", 1)' for row in rows[3:]]
    lines = [f"Action: {text}" for text in (*texts, "GET_IIS()", "SUBMIT()")]
    return config.messages(state), [*lines, "nothing"]


def calls_of(items: Sequence[Decisions]) -> list[Call]:
    """What ours asks of solvers for a group, from nothing to nothing."""
    calls: list[Call] = []
    close_all()
    with seen(calls):
        judge_all(items)
        close_all()
    return calls


def close_all() -> None:
    while decision._open:
        decision._open.popitem()[1].close()


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
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
    calls = [calls_of(items) for items in groups]
    judges = Judges(WORKERS)
    rewards.shared_judges = lambda: judges  # type: ignore[attr-defined]
    outcome = rewards.OrdebugOutcome()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context, initializer=hold, initargs=(calls,)) as pool:
        works: list[Callable[[], Any]] = [
            lambda: [make(each) for each in calls],
            lambda: [make(each, build=True) for each in calls],
            lambda: [judge_all(items) for items in groups],
            lambda: list(pool.map(make_held, range(len(calls)))),
            lambda: list(pool.map(make_and_build_held, range(len(calls)))),
            lambda: asyncio.run(outcome(completions, **columns)),
        ]
        for work in works:
            work()
        times = [[seconds(work) for work in works] for _ in range(rounds)]
    judges.close()
    least = [min(column) for column in zip(*times, strict=True)]
    kinds = {name: sum(call[0] == name for each in calls for call in each) for name in KINDS}
    print(f"{len(completions)} completions of {len(made)} problems, least of {rounds}; load {os.getloadavg()[0]:.1f}")
    print("their solver calls: " + ", ".join(f"{count} {KINDS[name]}" for name, count in kinds.items()))
    for title, (bare, built, ours) in (("one process", least[:3]), (f"{WORKERS} workers", least[3:])):
        print(f"{title:12} bare calls {bare:.3f} s, reward {ours:.3f} s, ratio {ours / bare:.2f}")
        print(f"{'':12} bare calls and building elastic programs {built:.3f} s, ratio {ours / built:.2f}")


if __name__ == "__main__":
    main()
