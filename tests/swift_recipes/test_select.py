"""A checkpoint is chosen by what the environment says of it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app

ROOT = Path(__file__).resolve().parent.parent.parent
RECIPE = ROOT / "swift_recipes" / "infer" / "tiny_cpu.yaml"
OPTIONS = ["--max-steps", "1", "--infer-arg", "--max_new_tokens 8", "--workers", "1"]


def select(*words: object) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "shell" / "select.sh"), *(str(word) for word in words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-9-merged").mkdir()
    done = select(tmp_path, RECIPE, tmp_path, tmp_path / "out")
    assert done.returncode == 2 and "holds no checkpoint-N" in done.stderr
    assert select().returncode == 2 and select("--help").returncode == 0


def checkpoint(folder: Path, whole: list[str] | None = None) -> Path:
    folder.mkdir(parents=True)
    config = {"base_model_name_or_path": "Qwen/Qwen3-8B-Base", "modules_to_save": whole}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none", RECIPE, "problems", "out"], "none is no folder"),
        (["v0-a", "v0-b", "problems", "out"], "behind the folders stands 'problems', which is no recipe"),
        (["v0-a", "none.yaml", "problems", "out"], "'none.yaml', which is no recipe"),
        (["v0-a", "v0-b", RECIPE, "problems"], "PROBLEMS or OUT is missing"),
        (["v0-a", "other/v0-a", RECIPE, "problems", "out"], "two of the folders have one name"),
    ],
)
def test_arguments_that_do_not_fit_are_told(
    words: list[object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("v0-a", "v0-b", "other/v0-a"):
        checkpoint(tmp_path / folder / "checkpoint-9")
    monkeypatch.chdir(tmp_path)
    done = select(*words)
    assert done.returncode == 2 and says in done.stderr and "  fix: " in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_adapter_that_vllm_does_not_take_is_told_before_any_is_played(tmp_path: Path) -> None:
    checkpoint(tmp_path / "checkpoint-1")
    last = checkpoint(tmp_path / "checkpoint-2", ["embed_tokens", "lm_head"])
    words = [tmp_path, RECIPE.with_name("qwen3_8b_vllm.yaml"), tmp_path / "none", tmp_path / "out"]
    done = select(*words)
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert f"vLLM does not serve {last}: the adapter holds whole layers (embed_tokens, lm_head)" in done.stderr
    assert f"bash shell/merge.sh {last} {last}-merged" in done.stderr
    (tmp_path / "checkpoint-2-merged").mkdir()
    done = select(*words)
    assert f"{tmp_path}/checkpoint-1 failed" in done.stderr, "it goes on to play; there are no problems"
    (tmp_path / "checkpoint-2-merged").rmdir()
    done = select(*words, "--infer-arg", "--infer_backend transformers")
    assert f"{tmp_path}/checkpoint-1 failed" in done.stderr, "Transformers takes such adapters"


@pytest.mark.slow
def test_of_equals_the_earlier_is_chosen(tmp_path: Path) -> None:
    pytest.importorskip("swift")
    from ordebug.swift_recipes.tiny import build

    rows = tmp_path / "rows.jsonl"
    turns = [{"role": "user", "content": "labor: at most 40"}, {"role": "assistant", "content": "Action: SUBMIT()"}]
    rows.write_text((json.dumps({"messages": turns}) + "\n") * 20)
    build(rows, tmp_path / "v0-a" / "checkpoint-9")
    for other in ("v0-a/checkpoint-9-merged", "v1-b/checkpoint-10"):  # the run that resumed it
        shutil.copytree(tmp_path / "v0-a" / "checkpoint-9", tmp_path / other)
    problems = tmp_path / "problems"
    words = ["problems", "generate", "--out", str(problems), "--count", "1", "--types", "A", "--workers", "1"]
    assert CliRunner().invoke(app, words).exit_code == 0
    done = select(*sorted(tmp_path.glob("v?-*")), RECIPE, problems, tmp_path / "out", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "best").read_text().strip() == f"{tmp_path}/v0-a/checkpoint-9"
    assert (tmp_path / "out" / "v1-b" / "checkpoint-10" / "metrics.json").is_file()
    assert len(done.stdout.splitlines()) == 2 and done.stdout.startswith("op 0.000 [")
