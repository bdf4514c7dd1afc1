"""shell/grpo.sh with real `ordebug` and a program in place of swift, whose replies and training take no time."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.jsonl import read_rows

ROOT = Path(__file__).resolve().parents[3]
# Every other sample keeps the objective, greedy replies always do; training leaves an adapter.
SWIFT = f"""#!{sys.executable} -SE
import json, shutil, sys
from pathlib import Path
given = dict(zip(sys.argv, sys.argv[1:]))
with Path(__file__).with_name("calls").open("a") as calls:
    print(json.dumps(sys.argv[1:]), file=calls)
if sys.argv[1] == "rlhf":
    out = Path(given["--output_dir"])
    if given.get("--learning_rate") == "0":
        sys.exit("no rate")
    shutil.copytree(Path(__file__).parents[1] / "s ft", out / "last-checkpoint")
    sys.exit()
with open(given["--result_path"], "a") as result:
    for number, line in enumerate(open(given["--val_dataset"])):
        *prompt, label = json.loads(line)["messages"]
        row = "limit" if given.get("--temperature") == "1" and number % 2 else "need"
        text = "<think>\\nhm\\n</think>\\n\\nAction: DROP_CONSTRAINT(" + row + ")"
        messages = [*prompt, dict(role="assistant", content=text)]
        print(json.dumps(dict(response=text, labels=label["content"], logprobs=None, messages=messages)), file=result)
"""
# ms-swift's parser has tests of its own, and its import takes longer than all that is tested here
ORDEBUG = f"""#!{sys.executable}
import os, sys
if __name__ == "__main__":
    if sys.argv[1:3] == ["recipes", "check"] or sys.argv[1] == os.environ.get("BREAKS"):
        sys.exit(sys.argv[1] != "recipes")
    from pathlib import Path
    from ordebug.cli.main import main
    from ordebug.eval import swift_infer
    swift_infer.swift_program = lambda: str(Path(__file__).with_name("swift"))
    main()
"""
OPEN = "group_size: 8\nchecks: {rr_at_5: {min: 0.9, why: w, fix: f}}\n"


@dataclass
class Place:
    """A checkout in a folder with a space in its name, an adapter, its model, two problem sets, recipes."""

    folder: Path

    def grpo(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        command = ["bash", str(self.folder / "shell/grpo.sh"), *map(str, words)]
        changed = {**os.environ, "PATH": path, **environment}
        return subprocess.run(command, cwd=self.folder, env=changed, capture_output=True, text=True)

    def whole(self, *words: object, out: str = "out", sft: str = "s ft", **environment: str) -> Any:
        given = (sft, "seen", out, "--rlhf", "grpo.yaml", "--infer", "infer.yaml", "--unseen", "un seen")
        return self.grpo(*given, "--workers", 1, *words, **environment)

    def calls(self, program: str) -> list[dict[str, str]]:
        """The arguments of each call of swift."""
        rows = [json.loads(line) for line in (self.folder / "bin/calls").read_text().splitlines()]
        return [dict(zip(row, [*row[1:], ""], strict=True)) for row in rows if row[0] == program]


@pytest.fixture
def place(make_set: Callable[..., Path], tmp_path: Path) -> Place:
    folder = tmp_path / "a place"
    for name in ("shell", "bin", "s ft", "base"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ROOT / "shell/grpo.sh", folder / "shell")
    (folder / "swift_recipes").symlink_to(ROOT / "swift_recipes")
    for name, text in (("swift", SWIFT), ("ordebug", ORDEBUG)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    (folder / "s ft/adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(folder / "base")}))
    (folder / "base/config.json").write_text("{}")
    (folder / "grpo.yaml").write_text("max_completion_length: 77\nbeta: 0\n")
    (folder / "infer.yaml").write_text("temperature: 0\nmax_new_tokens: 256\n")
    (folder / "gate.yaml").write_text(OPEN)
    for name, prefix in (("seen", "b"), ("un seen", "u")):
        shutil.move(make_set(2, name), folder / name)
        rows = folder / name / "problems.jsonl"
        rows.write_text(rows.read_text().replace('"base_id": "b', f'"base_id": "{prefix}'))
    return Place(folder)


def test_help_and_no_word() -> None:
    script = ["bash", str(ROOT / "shell/grpo.sh")]
    told = subprocess.run([*script, "--help"], capture_output=True, text=True)
    bare = subprocess.run(script, capture_output=True, text=True)
    assert (told.returncode, bare.returncode) == (0, 2) and told.stdout.startswith("usage: bash shell/grpo.sh SFT")


def test_shut_broken_and_resumed(place: Place) -> None:
    """A whole run: the gate stops it, then breaks, then opens; training goes on from the last whole checkpoint."""
    out, base, sft = place.folder / "out", str(place.folder / "base"), "s ft"
    shut = place.whole()
    assert shut.returncode == 1 and "The gate is closed" in shut.stderr, shut.stderr
    assert not (out / "grpo.jsonl").exists() and not json.loads((out / "samples/gate.json").read_text())["open"]
    broken = place.whole("--force", BREAKS="gate")
    assert broken.returncode == 2 and not (out / "grpo.jsonl").exists(), "a gate that broke is no shut gate"
    (sampled,) = place.calls("infer")
    assert (sampled["--temperature"], sampled["--max_new_tokens"]) == ("1", "77"), "as long as in training"
    assert (sampled["--model"], sampled["--adapters"]) == (base, sft)

    for name, files in {
        "checkpoint-9": "os",
        "checkpoint-10": "os",
        "checkpoint-20": "o",
        "checkpoint-30": "s",
    }.items():
        (out / "grpo" / name).mkdir(parents=True)
        for key, file in {"o": "optimizer.pt", "s": "trainer_state.json"}.items():
            if key in files:
                (out / "grpo" / name / file).write_text("{}")
    assert place.whole("--force", BREAKS="grpo-data").returncode == 1, "past the shut gate"
    done = place.whole("--config", "gate.yaml")
    assert done.returncode == 0 and "gate open" in done.stdout, done.stderr
    assert "model: out/grpo/last-checkpoint" in done.stdout and "RR@1" in done.stdout
    assert {row["problem"] for _, row in read_rows(out / "grpo.jsonl")} == {"p0", "p1"}
    (trained,) = place.calls("rlhf")
    assert trained["--model"] == base and trained["--resume_from_checkpoint"] == "out/grpo/checkpoint-10"
    assert "--ref_adapters" not in trained and "--adapters" not in trained
    _, before, after = place.calls("infer")
    assert "--temperature" not in before and before["--adapters"] == sft and before["--model"] == base
    assert after["--model"] == base and after["--adapters"] == "out/grpo/last-checkpoint"
    other = place.whole("--", "--beta", "0.1")
    assert other.returncode == 2 and "other settings" in other.stderr


def test_a_reference_where_there_is_kl_and_a_training_that_fails(place: Place) -> None:
    words = ("--config", "gate.yaml", "--", "--beta", "0.1", "--max_completion_length", "50", "--learning_rate", "0")
    done = place.whole(*words)
    assert done.returncode == 2 and "no rate" in done.stderr and not (place.folder / "out/grpo/.done").exists()
    assert place.calls("infer")[0]["--max_new_tokens"] == "50"
    (trained,) = place.calls("rlhf")
    assert trained["--adapters"] == trained["--ref_adapters"] == "s ft" and "--resume_from_checkpoint" not in trained


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["s ft", "seen"], "2 places were given"),
        (["none", "seen", "out", "--unseen", "un seen"], "none holds no model and no adapter"),
        (["s ft", "seen", "out"], "there is no --unseen DIR"),
        (["s ft", "none", "out", "--unseen", "un seen"], "none is no problem set"),
        (["s ft", "seen", "out", "--unseen"], "--unseen has no value"),
        (["s ft", "seen", "out", "--max-steps"], "--max-steps has no value"),
        (["--no-auto-submit", "s ft", "seen", "out", "--infer-arg", "--seed 1"], "there is no --unseen DIR"),
        (["s ft", "seen", "out", "--samples=9", "--unseen", "un seen"], "--samples=9 is not for you"),
        (["s ft", "seen", "out", "--unseen", "un seen", "--rlhf", "no.yaml"], "no.yaml does not exist"),
        (["s ft", "seen", "out", "--unseen", "un seen", "--per-problem", "x"], "is not a number"),
        (["s ft", "seen", "out", "--unseen", "seen"], "1 of its clean models are also in seen"),
        (["s ft", "seen", "out", "--unseen", "un seen", "--", "--model", "/m/other"], "the training names /m/other"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    place: Place, words: list[str], complaint: str
) -> None:
    done = place.grpo(*words)
    assert done.returncode == 2 and complaint in done.stderr, done.stderr
    assert not (place.folder / "out").exists() and not (place.folder / "bin/calls").exists()


def test_fewer_samples_than_a_pass_rate_needs(place: Place) -> None:
    done = place.whole(SAMPLES="7")
    assert done.returncode == 2 and "SAMPLES=7 are too few" in done.stderr and not (place.folder / "out").exists()
