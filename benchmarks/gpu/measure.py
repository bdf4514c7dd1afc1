"""Tokens a second, MFU and peak memory of the recipes on this machine's GPUs, beside what was planned and beside peers.

    python benchmarks/gpu/measure.py --out runs/gpu

Makes rows (the oracle's answers to generated problems) and Qwen3-8B of the exact architecture with random weights, then
trains a few steps of each recipe with ``swift sft``, and of the same with plain TRL and plain Transformers where they
are installed. Leaves ``result.json``, ``table.md`` and a log of each run. What does not fit by the plan, or lacks a
package, is skipped with the reason. Without a GPU the small Qwen3 is trained on the CPU: that tests this program, and
its figures mean nothing for GPUs.

MFU is model FLOPs utilisation (Chowdhery et al. 2022, PaLM, appendix B): the operations that the useful tokens need,
without padding and without what checkpointing computes again, a second, over the GPUs' peak (``peaks.py``).
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peaks import peak

from ordebug.core.jsonl import write_json
from ordebug.core.manifest import hardware, package_versions
from ordebug.core.parallel import default_workers
from ordebug.swift_recipes import machine
from ordebug.swift_recipes.architecture import MODELS, architecture
from ordebug.swift_recipes.catalogue import find_recipe
from ordebug.swift_recipes.memory import tuning
from ordebug.swift_recipes.plan import PEAK, make_plan, operations
from ordebug.swift_recipes.schedule import Batch, row_lengths

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
GIB = 2**30
MODEL = "Qwen/Qwen3-8B"
RECIPES = ("sft/qwen3_8b_lora", "sft/qwen3_8b_qlora", "sft/qwen3_8b_full")
FRAMEWORKS = ("swift", "transformers", "trl")
WARM_UP = 3
"""Steps that are not counted: the first compile, choose kernels and fill caches."""

ON_CPU = {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
OFFLINE = {"USE_HF": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Bench:
    """What all runs share: processes, peak operations a second of a GPU (None where not known), its memory in GiB."""

    out: Path
    data: Path
    model: Path
    processes: int
    steps: int
    cpu: bool
    peak: float | None
    gib: float

    def measure(self, recipe: str, framework: str) -> dict[str, Any]:
        """One run, as a row of the result."""
        case = {"recipe": recipe, "framework": framework}
        plan = make_plan(find_recipe(recipe), self.data, self.processes, str(self.model), self.gib)
        planned = {"memory_gib": sum(plan.memory.values()) / GIB}
        if self.peak:  # the plan counts on an A800
            planned["seconds_a_step"] = [seconds / plan.steps * PEAK / self.peak for seconds in plan.seconds]
        reason = self._reason(recipe, framework, planned["memory_gib"], plan.fits)
        if reason:
            return {**case, "planned": planned, "skipped": reason}
        folder = self.out / f"{framework}-{Path(recipe).name}"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("rank-*.json"):
            old.unlink()
        failed = self._run(self._command(recipe, framework, folder), folder)
        if failed:
            return {**case, "planned": planned, "failed": failed}
        return {**case, "planned": planned, **self._figures(recipe, folder)}

    def _reason(self, recipe: str, framework: str, gib: float, fits: bool) -> str | None:
        values = find_recipe(recipe).values
        if framework != "swift" and machine.installed(framework) is None:
            return f"{framework} is not installed"
        if values.get("quant_method") == "bnb" and machine.installed("bitsandbytes") is None:
            return "bitsandbytes is not installed"
        if self.cpu and values["deepspeed"] == "zero3":
            return "ZeRO-3 needs GPUs here"
        return None if fits or self.cpu else f"does not fit: {gib:.0f} GiB planned of {self.gib:.0f}"

    def _command(self, recipe: str, framework: str, folder: Path) -> list[str]:
        if framework == "swift":
            words = [str(BIN / "swift"), "sft", str(find_recipe(recipe).path), "--model", str(self.model)]
            words += ["--dataset", str(self.data), "--output_dir", str(folder), "--add_version", "false"]
            words += ["--max_steps", str(self.steps), "--eval_strategy", "no", "--save_strategy", "no"]
            words += ["--external_plugins", str(HERE / "meter_plugin.py"), "--callbacks", "meter"]
            words += ["--check_model", "false"]
            cpu = "--use_cpu true --ddp_backend gloo --dataloader_num_workers 0 --gradient_accumulation_steps 1"
            return words + (cpu.split() if self.cpu else [])
        words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(self.processes)]
        words += [str(HERE / "peers.py"), framework, recipe, "--model", str(self.model), "--data", str(self.data)]
        words += ["--out", str(folder), "--steps", str(self.steps)]
        small = {"dataloader_num_workers": 0, "gradient_accumulation_steps": 1}
        return words + (["--cpu", "--values", json.dumps(small)] if self.cpu else [])

    def _run(self, command: list[str], folder: Path) -> str | None:
        """Runs it; what to say when it failed."""
        env = {**os.environ, **OFFLINE, "NPROC_PER_NODE": str(self.processes), "METER_DIR": str(folder)}
        log = folder / "log"
        with log.open("w") as file:
            env |= ON_CPU if self.cpu else {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
            done = subprocess.run(command, env=env, stdout=file, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            lines = log.read_text(errors="replace").splitlines()
            errors = [line.strip() for line in lines if "rror: " in line] or ["no error was named"]
            return f"exit status {done.returncode}: {errors[0][-300:]} (see {log})"
        return None

    def _figures(self, recipe: str, folder: Path) -> dict[str, Any]:
        ranks = [json.loads(file.read_text()) for file in sorted(folder.glob("rank-*.json"))]
        steps = ranks[0]["steps"][min(WARM_UP, self.steps - 1) :]
        (began, before), (ended, after) = steps[0], steps[-1]
        rate = (after - before) / (ended - began)
        needed = rate * self._operations_a_token(recipe)
        return {
            "processes": len(ranks),
            "steps": len(steps) - 1,
            "seconds_a_step": (ended - began) / (len(steps) - 1),
            "tokens_a_step": (after - before) / (len(steps) - 1),
            "tokens_a_second": rate,
            "mfu": needed / self.processes / self.peak if self.peak else None,
            "memory_gib": {
                name: max(rank["memory"][name] for rank in ranks) / GIB for name in sorted(ranks[0]["memory"])
            },
        }

    def _operations_a_token(self, recipe: str) -> float:
        values, built = find_recipe(recipe).values, architecture(str(self.model))
        lengths = row_lengths(self.data, not str(values["loss_scale"]).startswith("last_round"))
        alone = [Batch(1, row.total, row.total - row.prompt + 1) for row in lengths]
        every = sum(row.total for row in lengths)
        return operations(built, tuning(values, built), alone, checkpointing=False) / every


def make_rows(out: Path, count: int) -> Path:
    """Rows of a teacher that is right, from problems of their own."""
    rows = out / "rows.jsonl"
    if not rows.is_file():
        problems, oracle = str(out / "problems"), str(out / "oracle")
        shape = ["--types", "A,D", "--rows", "3-5", "--families", "production,blending,staffing"]
        ordebug("problems", "generate", "--out", problems, "--count", str(count), *shape)
        ordebug("rollout", "--policy", "oracle", "--alone", "--problems", problems, "--out", oracle)
        ordebug("sft-data", oracle, "--out", str(rows))
    return rows


def ordebug(*words: str) -> None:
    command = [str(BIN / "ordebug"), *words, *(["--workers", str(default_workers())] if words[0] != "sft-data" else [])]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make_model(out: Path, data: Path, cpu: bool) -> Path:
    """Qwen3-8B with random weights and Qwen's tokenizer; the small Qwen3 on a CPU."""
    folder = out / ("small" if cpu else "qwen3-8b")
    if (folder / "tokenizer_config.json").is_file():
        return folder
    if cpu:
        from ordebug.swift_recipes.tiny import build

        build(data, folder)
        return folder
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from ordebug.swift_recipes.qwen_tokens import save_qwen_tokenizer

    with torch.device("cuda"):
        model = Qwen3ForCausalLM._from_config(Qwen3Config(**published_config()), dtype=torch.bfloat16)
    assert model.num_parameters() == MODELS[MODEL].parameters
    model.save_pretrained(folder)
    save_qwen_tokenizer(folder)
    return folder


def published_config() -> dict[str, Any]:
    """``config.json`` of Qwen/Qwen3-8B: the shape as ``architecture.py`` has it, and the rest."""
    shape = MODELS[MODEL]
    return {
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocabulary,
        "tie_word_embeddings": shape.tied,
        "max_position_embeddings": 40_960,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
        "bos_token_id": 151_643,
        "eos_token_id": 151_645,
    }


def table(result: dict[str, Any]) -> str:
    """The figures in Markdown, planned ones in brackets."""
    lines = ["| recipe | with | tokens/s | to swift | s/step | MFU | GiB a GPU |", "|---|---|---|---|---|---|---|"]
    base = {row["recipe"]: row.get("tokens_a_second") for row in result["runs"] if row["framework"] == "swift"}
    for row in result["runs"]:
        named, planned = f"| {row['recipe']} | {row['framework']} |", row["planned"]
        if "tokens_a_second" not in row:
            lines.append(f"{named} {row.get('skipped') or 'failed: ' + row['failed']} | | | | |")
            continue
        own = base.get(row["recipe"])
        ratio = f"{row['tokens_a_second'] / own:.2f}" if own else "-"
        low, high = planned.get("seconds_a_step", (None, None))
        foreseen = f" [{low:.2f}, {high:.2f}]" if low is not None else ""
        used = row["memory_gib"].get("device") or row["memory_gib"]["resident"]
        mfu = f"{row['mfu']:.1%}" if row["mfu"] is not None else "-"
        memory = f"{used:.1f}" + ("" if result["cpu"] else f" [{planned['memory_gib']:.1f}]")
        lines.append(
            f"{named} {row['tokens_a_second']:,.0f} | {ratio} | {row['seconds_a_step']:.2f}{foreseen} "
            f"| {mfu} | {memory} |"
        )
    return "\n".join(lines)


def main() -> int:
    given = parsed()
    given.out.mkdir(parents=True, exist_ok=True)
    out = given.out.resolve()
    cards = machine.gpus()
    known = peak(cards[0].name) if cards else None
    most = (given.peak_tflops * 1e12, "--peak-tflops") if given.peak_tflops else known
    data = given.data.resolve() if given.data else make_rows(out, 32 if not cards else 512)
    model = Path(given.model).resolve() if given.model else make_model(out, data, cpu=not cards)
    processes = given.processes or len(cards) or 1
    each = most[0] if most and cards else None
    bench = Bench(out, data, model, processes, given.steps, not cards, each, cards[0].gib if cards else 80.0)
    runs = []
    for recipe in given.recipes:
        for framework in given.frameworks:
            print(f"{framework} {recipe} ...", file=sys.stderr, flush=True)
            runs.append(bench.measure(recipe, framework))
    result = {
        "cpu": bench.cpu,
        "machine": hardware(),
        "versions": package_versions() | {name: machine.installed(name) for name in ("trl", "peft", "bitsandbytes")},
        "peak": {"operations_a_second": each, "source": most[1] if most and cards else None},
        "model": MODEL if not bench.cpu else "the small Qwen3",
        "runs": runs,
    }
    write_json(out / "result.json", result)
    said = table(result)
    (out / "table.md").write_text(said + "\n", encoding="utf-8")
    where = (
        f"{processes} x {cards[0].name}" if cards else "no GPU: the small Qwen3; these figures mean nothing for GPUs"
    )
    source = f", peak {most[0] / 1e12:,.0f} TFLOP/s ({most[1]})" if most and cards else ", MFU not known"
    print(f"{where}{source}. Planned in brackets.\n\n{said}")
    return int(any("failed" in row for row in runs))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; a second run reuses the model")
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--frameworks", nargs="+", default=FRAMEWORKS, choices=FRAMEWORKS)
    parser.add_argument("--steps", type=int, default=12, help="optimizer steps of a run, at least 2")
    parser.add_argument("--processes", type=int, help="by default one a GPU")
    parser.add_argument("--data", type=Path, help="SFT rows instead of generated ones")
    parser.add_argument("--model", help="a folder, such as the real Qwen3-8B, instead of random weights")
    parser.add_argument("--peak-tflops", type=float, help="of a GPU that peaks.py does not know")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
