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
from ordebug.swift_recipes.preconditions import require
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


def test_a_recipe_may_be_given_by_name() -> None:
    run = training_run("sft", ["sft/qwen3_8b_lora", "--seed", "7"])
    assert run.words == (LORA, "--seed", "7") and run.recipe is not None and run.recipe.name == "sft/qwen3_8b_lora"
    with pytest.raises(UsageError, match="Did you mean sft/qwen3_8b_lora"):
        training_run("sft", ["sft/qwen3_8b_lroa"])
    with pytest.raises(UsageError, match="is no file"):
        training_run("rlhf", ["rlhf/qwen3_8b_grpo+dapo"])


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dataset", "none.jsonl"], "dataset: none.jsonl does not exist"),
        (["--dataset", "rows.jsonl#5", "some/none.parquet#5"], "dataset: some/none.parquet#5 does not exist"),
        (["--val_dataset", "/none"], "val_dataset: /none does not exist"),
        (["--external_plugins", "none.py"], "external_plugins: none.py does not exist"),
        (["--model", "Qwen/Qwen3-8B-Instruct"], "There is none: the post-trained model is Qwen/Qwen3-8B."),
        (["--model", "./none"], "model: there is no folder ./none"),
        (["--resume_from_checkpoint", "out/v0/checkpoint-2"], "there is no folder out/v0/checkpoint-2"),
        (["--lerning_rate", "1e-4"], "lerning_rate: swift sft has no such argument. Did you mean learning_rate?"),
        (["--max_steps=few"], "max_steps: ['few'] is refused"),
    ],
)
def test_what_would_fail_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text("{}\n")
    with pytest.raises(UsageError) as raised:
        require(training_run("sft", [LORA, *words]))
    assert said in raised.value.message


@pytest.mark.usefixtures("ms_swift")
def test_what_a_hub_may_have_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows:1.jsonl").write_text("{}\n")
    names = ["rows:1.jsonl#5", "AI-ModelScope/alpaca-gpt4-data-zh#500", "hf::a/b:main/other#9", "swift/self-cognition"]
    more = ["--learning-rate=2e-4", "--model", "me/mine", "--lr_scheduler_kwargs", '{"min_lr": 1}', "--packing"]
    require(training_run("sft", [LORA, "--dataset", *names, *more]))


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"), [("--dataset rows.json", "rows.json does not exist"), ("--lerning_rate 1", "learning_rate?")]
)
def test_the_script_takes_a_name_and_leaves_no_folder_of_a_run_that_cannot_start(
    tmp_path: Path, words: str, said: str
) -> None:
    command = ["bash", str(ROOT / "shell/sft.sh"), "sft/qwen3_8b_lora", *words.split(), "--output_dir", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and said in done.stderr
    assert list(tmp_path.iterdir()) == []
