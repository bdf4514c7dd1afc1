"""What must fit together before GRPO: one model below the adapter, the limits of training."""

import json
from pathlib import Path

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.swift_recipes.catalogue import FOLDER
from ordebug.swift_recipes.handoff import base_model, reply_limit, require_disjoint, uses_reference
from ordebug.swift_recipes.training_run import training_run

QWEN = str(FOLDER / "rlhf" / "qwen3_8b_grpo.yaml")
TINY = str(FOLDER / "rlhf" / "tiny_cpu_grpo.yaml")
CACHED = "/home/other/.cache/huggingface/hub/models--Qwen--Qwen3-8B/snapshots/1a2b"
HUB = "Qwen/Qwen3-8B"


def adapter(folder: Path, base: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    return folder


def model(folder: Path, weights: bytes = b"weights") -> str:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    return str(folder)


@pytest.mark.parametrize(
    ("base", "words", "found"),
    [
        (HUB, [QWEN], HUB),
        (CACHED, [QWEN], HUB),
        ("/root/.cache/modelscope/hub/models/Qwen/Qwen3-8B", [QWEN], HUB),
        (HUB, [QWEN, "--model", "/models/Qwen3-8B"], "/models/Qwen3-8B"),
        ("/gone/Qwen2___5-7B", [TINY, "--model=Qwen/Qwen2.5-7B"], "Qwen/Qwen2.5-7B"),
        (HUB, [TINY], HUB),
    ],
)
def test_names_of_one_model(tmp_path: Path, base: str, words: list[str], found: str) -> None:
    assert base_model(adapter(tmp_path / "sft", base), training_run("rlhf", words)) == found


@pytest.mark.parametrize(
    ("base", "words", "complaint"),
    [
        ("Qwen/Qwen3-8B-Base", [QWEN], "the training names Qwen/Qwen3-8B."),
        (HUB, [QWEN, "--model", "/models/Qwen3-4B"], "the training names /models/Qwen3-4B."),
        ("/gone/tiny", [TINY], "which is not here"),
    ],
)
def test_another_model_is_refused(tmp_path: Path, base: str, words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        base_model(adapter(tmp_path / "sft", base), training_run("rlhf", words))


def test_a_folder_that_is_here_is_the_model(tmp_path: Path) -> None:
    base, copy, other = model(tmp_path / "a b"), model(tmp_path / "copy"), model(tmp_path / "x/a b", b"other")
    sft = adapter(tmp_path / "sft", base)
    assert base_model(sft, training_run("rlhf", [QWEN])) == base, "the recipe names what is usual"
    assert base_model(sft, training_run("rlhf", [TINY])) == base
    assert base_model(sft, training_run("rlhf", [QWEN, "--model", copy])) == base, "of the same weights"
    with pytest.raises(UsageError, match="the training names"):
        base_model(sft, training_run("rlhf", [QWEN, "--model", other]))
    assert base_model(Path(base), training_run("rlhf", [QWEN])) == "", "a whole model"


@pytest.mark.parametrize("base", [None, 3, ""])
def test_an_adapter_without_a_model_is_refused(tmp_path: Path, base: object) -> None:
    with pytest.raises(InputError, match="names no base model"):
        base_model(adapter(tmp_path / "sft", base), training_run("rlhf", [QWEN]))


def problem_set(folder: Path, content: str, **fields: str) -> Path:
    folder.mkdir()
    (folder / "model.lp").write_text(content)
    (folder / "problems.jsonl").write_text(json.dumps({"problem_id": "p", "model_file": "model.lp", **fields}) + "\n")
    return folder


def test_sets_share_a_base_or_without_one_a_model(tmp_path: Path) -> None:
    named = problem_set(tmp_path / "a", "x", base_id="b"), problem_set(tmp_path / "b", "y", base_id="b")
    plain = [problem_set(tmp_path / name, content) for name, content in (("c", "x"), ("d", "x"), ("e", "y"))]
    for pair in (named, plain[:2]):
        with pytest.raises(UsageError, match="1 of its clean models"):
            require_disjoint(*pair)
    require_disjoint(plain[0], plain[2])  # of one id, but not one problem
    require_disjoint(named[0], plain[0])


def test_limits_of_training() -> None:
    given = [([QWEN], 1024), ([TINY], 96), ([TINY, "--max_completion_length", "70"], 70), ([], 512)]
    assert [reply_limit(training_run("rlhf", words)) for words, _ in given] == [limit for _, limit in given]
    with pytest.raises(UsageError, match="'many'"):
        reply_limit(training_run("rlhf", [TINY, "--max_completion_length", "many"]))
    reference = [[QWEN], [TINY], [QWEN, "--beta", "0.0"], []]
    assert [uses_reference(training_run("rlhf", words)) for words in reference] == [True, False, False, True]
    with pytest.raises(UsageError, match="'no'"):
        uses_reference(training_run("rlhf", [QWEN, "--beta", "no"]))


def test_the_defaults_are_those_of_ms_swift(ms_swift: None) -> None:
    from swift.arguments import RLHFArguments

    assert RLHFArguments.max_completion_length == reply_limit(training_run("rlhf", []))
    assert RLHFArguments.beta is None and RLHFArguments.response_length is None
