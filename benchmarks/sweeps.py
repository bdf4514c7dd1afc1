"""Small sweeps on the small Qwen3: learning rate, rows, epochs, thought kept or dropped, LoRA rank (docs/sweeps.md).

    STEPS=1000 OUT=runs/early bash shell/quickstart.sh
    python benchmarks/sweeps.py runs/early --out docs/sweeps/results.jsonl [--only rate] [--seeds 1 2]
    python benchmarks/sweeps_plot.py docs/sweeps/results.jsonl docs/sweeps

All cells begin with the quickstart's small Qwen3, stopped early, and fine-tune it with ms-swift's ``sft_main`` on rows
of further problems. ``infer_main`` then answers unseen ones, and the solver judges: the share of first actions on the
broken row. Both are forked from one process that imported ms-swift once, which saves its start. A cell that stands in
the results is not run again; one that was stopped is run anew.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

os.environ |= {"USE_HF": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "swift_recipes"
ORDEBUG = str(Path(sys.executable).with_name("ordebug"))
TOLD = 5  # steps left, as the prompts tell it
MAX_STEPS = ("--max-steps", TOLD)
BATCH = 16
REPLY_TOKENS = 160
UNSEEN = 500
GENERATED = ("--types", "A,D", "--families", "production,blending,staffing", "--rows", "3-5", "--most-conflict-rows", 3)
SETS = {"train": (3200, 11), "unseen": (UNSEEN, 12)}
"""Problems and seed; the quickstart's and GRPO's seeds are 1 to 6. Sets of different seeds share no clean model."""

ANOTHER_PROCESS = ("NPROC_PER_NODE", "deepspeed", "ddp_backend")
FIGURES = ("root_cause_at_1", "rr_at_1", "action_valid", "target_exists", "think_valid")


@dataclass(frozen=True)
class Cell:
    """One training run: what is told apart between the sweeps.

    Attributes:
        rows: The first so many training rows.
        steps: Steps of 16 rows; 0 plays the model as it was given.
        rate: Learning rate.
        thought: ``kept`` in the rows or ``dropped``.
        asked: Whether the thought is asked for when it plays (``enable_thinking``).
        rank: Of LoRA; 0 is full training.
        seed: Of the order of rows and of LoRA's weights.
    """

    rows: int = 3200
    steps: int = 100
    rate: float = 1e-3
    thought: str = "kept"
    asked: bool = True
    rank: int = 0
    seed: int = 1

    @property
    def name(self) -> str:
        return "-".join(str(value) for value in asdict(self).values())


BASE = Cell()
LORA = replace(BASE, rate=1e-2)
SWEEPS: dict[str, list[Cell]] = {
    "rate": [replace(BASE, rate=rate) for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)],
    "rows": [replace(BASE, rows=rows) for rows in (50, 200, 800, 3200)],
    "epochs": [replace(BASE, rows=400, steps=epochs * 400 // BATCH) for epochs in (1, 2, 4, 8)],
    "thought": [BASE, replace(BASE, thought="dropped", asked=False), replace(BASE, thought="dropped")],
    "rank": [*(replace(LORA, rank=rank) for rank in (1, 4, 8, 16)), BASE],
    "given": [replace(BASE, steps=0)],
}


def shell(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True)


def prepare(folder: Path) -> None:
    """Both problem sets with their rows, the unseen ones' prompts, the anchors' figures; what is there is kept."""
    for name, (count, seed) in SETS.items():
        problems, rows = folder / name, folder / "rows" / f"{name}.jsonl"
        if rows.is_file():
            continue
        for left in (problems, folder / f"{name}-oracle"):
            shutil.rmtree(left, ignore_errors=True)
        shell(ORDEBUG, "problems", "generate", "--out", problems, "--count", count, "--seed", seed, *GENERATED)
        alone = () if name == "unseen" else ("--alone",)  # the anchors of the unseen ones are reported
        played = folder / f"{name}-oracle"
        shell(ORDEBUG, "rollout", "--policy", "oracle", *alone, "--problems", problems, "--out", played, *MAX_STEPS)
        shell(ORDEBUG, "sft-data", played, "--out", rows)
    write(folder / "rows" / "prompts.jsonl", prompts(folder / "rows" / "unseen.jsonl"))


def prompts(rows: Path) -> list[dict[str, Any]]:
    """What ``swift infer`` is asked; the last turn carries the problem's id and never reaches the model."""
    from ordebug.eval.swift_result import carrier

    return [{"messages": [*row["messages"][:2], carrier((row["problem_id"], 0))]} for row in read(rows)]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    from ordebug.core.jsonl import write_rows

    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, rows)


def training_rows(folder: Path, cell: Cell) -> Iterator[dict[str, Any]]:
    """The cell's rows; without the thought ms-swift puts an empty one, which is not trained."""
    for row in read(folder / "rows" / "train.jsonl")[: cell.rows]:
        *prompt, answer = row["messages"]
        if cell.thought == "dropped":
            answer = {**answer, "content": answer["content"].rpartition("</think>")[2].lstrip()}
        yield {"messages": [*prompt, answer]}


def arguments(recipe: str, **given: Any) -> list[str]:
    """The recipe's arguments with ours over them, on one process."""
    import yaml

    values = yaml.safe_load((RECIPES / recipe).read_text(encoding="utf-8"))
    values = {key: value for key, value in values.items() if key not in ("ENV", *ANOTHER_PROCESS)} | given
    return [word for key, value in values.items() for word in (f"--{key}", _word(value))]


def _word(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def sft(folder: Path, cell: Cell, model: Path, run: Path) -> list[str]:
    write(run / "train.jsonl", training_rows(folder, cell))
    given: dict[str, Any] = {"tuner_type": "full"}
    if cell.rank:
        lora = {"tuner_type": "lora", "lora_rank": cell.rank, "lora_alpha": 2 * cell.rank, "lora_dropout": 0}
        given = lora | {"target_modules": "all-linear"}
    return arguments(
        "sft/tiny_cpu.yaml",
        model=model,
        dataset=run / "train.jsonl",
        output_dir=run / "sft",
        max_steps=cell.steps,
        learning_rate=cell.rate,
        per_device_train_batch_size=BATCH,
        lr_scheduler_kwargs={"num_decay_steps": cell.steps // 2, "min_lr_ratio": 0.03},
        warmup_steps=10,
        dataset_num_proc=1,
        seed=cell.seed,
        data_seed=cell.seed,
        **given,
    )


def infer(folder: Path, cell: Cell, model: Path, run: Path) -> list[str]:
    checkpoint = run / "sft" / "last-checkpoint"
    weights = {"model": model, "adapters": checkpoint} if cell.rank else {"model": checkpoint if cell.steps else model}
    return arguments(
        "infer/tiny_cpu.yaml",
        val_dataset=folder / "rows" / "prompts.jsonl",
        result_path=run / "result.jsonl",
        remove_unused_columns="true",
        enable_thinking=str(cell.asked).lower(),
        max_batch_size=UNSEEN,
        max_new_tokens=REPLY_TOKENS,
        **weights,
    )


def judged(folder: Path, run: Path) -> dict[str, Any]:
    """The figures of the first decision, each with its interval."""
    from ordebug.env.problem_set import read_problem_set
    from ordebug.env.repair_env import Rules
    from ordebug.eval.attempt import Replay, Setting, replay
    from ordebug.eval.summary import cases_of, table
    from ordebug.eval.swift_result import read_result

    problems = read_problem_set(folder / "unseen")
    setting = Setting("algebra", Rules("core", TOLD), decisions=1)
    replies = read_result(
        run / "result.jsonl", [(problem.problem_id, 0) for problem in problems], max_new_tokens=REPLY_TOKENS
    )
    played = [
        replay(Replay(each, problems.folder, setting, "sweep", replies=(replies[each.problem_id, 0].reply,)))[1]
        for each in problems
    ]
    figures = table(cases_of([episode for episode in played if episode], problems, setting, {}), names=FIGURES)
    return {name: {key: _short(value) for key, value in found.items()} for name, found in figures.items()}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def anchors(folder: Path) -> dict[str, float]:
    """Root-cause@1 of each anchor but the oracle."""
    found = json.loads((folder / "unseen-oracle" / "metrics.json").read_text(encoding="utf-8"))["anchors"]
    return {name: round(each["root_cause_at_1"]["value"], 4) for name, each in found.items() if name != "oracle"}


def forked(work: Callable[[], Any], log: Path) -> None:
    """Runs it in a fork, its output in the log.

    Raises:
        RuntimeError: If it failed.
    """

    def quiet() -> None:
        with log.open("a", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        work()

    process = multiprocessing.get_context("fork").Process(target=quiet)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"exit status {process.exitcode}; see {log}")


def play(folder: Path, cell: Cell, model: Path, out: Path) -> None:
    """Trains, plays and judges one cell and appends its line."""
    from swift.pipelines import infer_main, sft_main

    run = folder / "cells" / cell.name
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    line: dict[str, Any] = {"cell": asdict(cell), "training_loss": None}
    if cell.steps:
        forked(lambda: sft_main(sft(folder, cell, model, run)), run / "sft.log")
        line["training_loss"] = training_loss(run)
    line["processor_seconds"] = _processor()
    forked(lambda: infer_main(infer(folder, cell, model, run)), run / "infer.log")
    line |= {"figures": judged(folder, run), "anchors": anchors(folder)}
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    found = line["figures"]["root_cause_at_1"]
    print(f"{cell.name}: root-cause@1 {found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]", flush=True)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(used.ru_utime + used.ru_stime, 1)


def training_loss(run: Path) -> float:
    """Loss of the last steps that were logged together."""
    return round([float(row["loss"]) for row in read(run / "sft" / "logging.jsonl") if "loss" in row][-1], 4)


def run_all(folder: Path, cells: list[Cell], model: Path, out: Path, jobs: int) -> int:
    """Plays the cells, ``jobs`` at a time; returns how many failed."""
    import swift.pipelines  # noqa: F401 (so that forks need not)
    import torch

    torch.set_num_threads(1)
    context, running, failed = multiprocessing.get_context("fork"), [], 0
    for cell in cells:
        while len(running) >= jobs:
            failed += _ended(running)
        process = context.Process(target=play, args=(folder, cell, model, out))
        process.start()
        running.append(process)
    while running:
        failed += _ended(running)
    return failed


def _ended(running: list[Any]) -> int:
    wait([process.sentinel for process in running])
    ended = [process for process in running if process.exitcode is not None]
    for process in ended:
        running.remove(process)
    return sum(bool(process.exitcode) for process in ended)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quickstart", type=Path, help="its folder")
    parser.add_argument("--folder", type=Path, default=Path("runs/sweeps"), help="problems, rows, checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="results, a line a cell")
    parser.add_argument("--only", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    folder, start = given.folder.resolve(), time.monotonic()
    prepare(folder)
    done = {Cell(**line["cell"]) for line in read(given.out)} if given.out.is_file() else set()
    wanted = [replace(cell, seed=seed) for seed in given.seeds for name in given.only for cell in SWEEPS[name]]
    cells = [cell for cell in dict.fromkeys(wanted) if cell not in done]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    failed = run_all(
        folder, cells, given.quickstart.resolve() / "sft" / "last-checkpoint", given.out.resolve(), given.jobs
    )
    print(f"{len(cells) - failed} cells in {time.monotonic() - start:.0f} s; {failed} failed")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
