"""The manifest of a training run, and the folder it lies in."""

import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from ordebug.core.errors import UsageError
from ordebug.core.manifest import sha256_file
from ordebug.swift_recipes.catalogue import FOLDER
from ordebug.swift_recipes.training_run import begin, training_run

ROOT = Path(__file__).resolve().parent.parent.parent
LORA = str(FOLDER / "sft" / "qwen3_8b_lora.yaml")
NOW = datetime(2026, 1, 31, 12, 0, 0)
NAME = "v0-20260131-120000"


def test_it_says_what_produces_the_run(tmp_path: Path) -> None:
    rows, general, model = tmp_path / "rows.jsonl", tmp_path / "general.jsonl", tmp_path / "model"
    rows.write_text("{}\n")
    general.write_text("{} \n")
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    words = ["--model", str(model), "--dataset", str(rows), f"{general}#500", "--seed=7", "--hub_token", "secret"]
    run = training_run("sft", [LORA, *words, "--output-dir", str(tmp_path / "out"), "--learning_rate", "2e-4"])
    folder = begin(run, {"CUDA_VISIBLE_DEVICES": "0", "HF_TOKEN": "secret"}, NOW)
    assert folder == tmp_path / "out" / NAME
    text = (folder / "manifest.json").read_text()
    found = json.loads(text)
    assert "secret" not in text and found["command"].startswith(f"swift sft {LORA} --model ")
    assert found["config"]["learning_rate"] == "2e-4" and found["config"]["lora_rank"] == "32"
    assert found["seeds"] == {"seed": "7", "data_seed": "42"} and found["recipe"]["text"] == Path(LORA).read_text()
    assert found["data"]["dataset 1"] == {"path": str(rows), "sha256": sha256_file(rows)}
    assert found["data"]["dataset 2"]["sha256"] == sha256_file(general)
    assert found["weights"][str(model)] == {"model.safetensors": sha256_file(model / "model.safetensors")}
    assert found["environment"]["CUDA_VISIBLE_DEVICES"] == "0" and found["environment"]["NPROC_PER_NODE"] == "2"
    assert found["packages"]["typer"] and found["started"] == "2026-01-31T12:00:00"


def test_the_folder_is_the_one_of_ms_swift(ms_swift: None, tmp_path: Path) -> None:
    from swift.utils.utils import add_version_to_work_dir

    for name in ("v3-x", "v10", "vx", "w11"):
        (tmp_path / name).mkdir()
    now = datetime.now()
    ours = training_run("sft", ["--output_dir", str(tmp_path)]).folder(now)
    version = Path(add_version_to_work_dir(str(tmp_path))).name.partition("-")[0]
    assert ours == tmp_path / f"{version}-{now:%Y%m%d-%H%M%S}" and version == "v11"
    plain = ["--add_version", "false", "--output_dir", str(tmp_path)]
    assert training_run("rlhf", plain).folder(now) == tmp_path
    assert training_run("sft", ["--model", "Qwen/Qwen3-8B"]).folder(NOW) == Path.cwd() / "output/Qwen3-8B" / NAME


def test_a_folder_keeps_one_run_unless_it_is_resumed(tmp_path: Path) -> None:
    words = ["--output_dir", str(tmp_path), "--add_version", "false"]
    begin(training_run("sft", words), {}, NOW)
    with pytest.raises(UsageError, match="holds a run already"):
        begin(training_run("sft", words), {}, NOW)
    begin(training_run("sft", [*words, "--resume_from_checkpoint", str(tmp_path / "checkpoint-2")]), {}, NOW)
    found = json.loads((tmp_path / "manifest.json").read_text())
    assert "resume_from_checkpoint" not in found["earlier"]["config"]
    assert found["config"]["resume_from_checkpoint"].endswith("checkpoint-2")


@pytest.mark.parametrize("words", [["no.yaml"], ["--output_dir"], ["--output_dir", "/proc/none/x"], ["", "\x00", "--"]])
def test_odd_words_end_in_a_message(words: list[str], tmp_path: Path) -> None:
    command = [shutil.which("ordebug"), "recipes", "manifest", "sft", "--", *words]
    done = subprocess.run([w for w in command if "\x00" not in w], cwd=tmp_path, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and done.returncode in (0, 2), done.stderr


def test_the_script_stops_before_swift_when_there_is_no_recipe(tmp_path: Path) -> None:
    command = ["bash", str(ROOT / "shell/sft.sh"), "swift_recipes/sft/qwen3_8b_lroa.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "qwen3_8b_lroa.yaml does not exist" in done.stderr
    assert "swift sft" not in done.stderr
