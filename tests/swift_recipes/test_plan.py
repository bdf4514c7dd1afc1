"""The plan's counts are those of Transformers, PEFT, ms-swift and the tokenizer; its sizes add up."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordebug.cli import recipes as command
from ordebug.core.errors import InputError, UsageError
from ordebug.swift_recipes.architecture import MODELS, Architecture, architecture
from ordebug.swift_recipes.catalogue import Recipe, find_recipe
from ordebug.swift_recipes.memory import states, tuning
from ordebug.swift_recipes.plan import make_plan
from ordebug.swift_recipes.schedule import Batch, Batches, Length, row_lengths, steps_an_epoch, worst

THOUGHT = "<think>\n(1) labor: at most, written >=, wrong\n</think>\n\nAction: DROP_CONSTRAINT(labor)"
RANK = 32


def rows(folder: Path, count: int = 100, said: tuple[str, ...] = ("labor: at most 40 hours",)) -> Path:
    turns = [{"role": "system", "content": "Repair."}]
    for text in said:
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": THOUGHT}]
    path = folder / "rows.jsonl"
    path.write_text((json.dumps({"messages": turns, "problem_id": "p"}) + "\n") * count)
    return path


def changed(recipe: Recipe, **values: Any) -> Recipe:
    return Recipe(**{**vars(recipe), "values": {**recipe.values, **values}})


def transformers_model(name: str) -> Any:
    """The model as Transformers builds it, without memory for its weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch")
        from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
    built = MODELS[name]
    config, model = (Qwen3Config, Qwen3ForCausalLM) if built.qk_norm else (Qwen2Config, Qwen2ForCausalLM)
    with torch.device("meta"):
        return model(
            config(
                vocab_size=built.vocabulary,
                hidden_size=built.hidden,
                intermediate_size=built.intermediate,
                num_hidden_layers=built.layers,
                num_attention_heads=built.heads,
                num_key_value_heads=built.kv_heads,
                head_dim=built.head_dim,
                tie_word_embeddings=built.tied,
            )
        )


@pytest.mark.parametrize("name", sorted(MODELS))
def test_parameters_are_those_of_transformers(name: str) -> None:
    assert transformers_model(name).num_parameters() == MODELS[name].parameters


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "Qwen/Qwen2.5-7B-Instruct"])
def test_lora_parameters_are_those_of_peft(name: str) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(transformers_model(name), config)
    trained = adapted.get_nb_trainable_parameters()[0]
    assert trained == MODELS[name].lora_parameters(RANK, ["all-linear"])


def test_known_counts() -> None:
    assert MODELS["Qwen/Qwen3-8B"].parameters == 8_190_735_360  # as its model card rounds: 8.2B
    assert MODELS["Qwen/Qwen3-8B"].lora_parameters(1, ["all-linear"]) == 2_727_936
    assert MODELS["Qwen/Qwen3-8B"].lora_parameters(1, ["q_proj"]) == 36 * (4096 + 4096)


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 100, 696])
@pytest.mark.parametrize(("size", "rounds"), [(1, 16), (4, 4), (3, 5)])
def test_steps_are_those_of_ms_swift(
    processes: int, count: int, size: int, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift.dataloader import BatchSamplerShard
    from transformers import Trainer

    if count < processes:
        pytest.skip("a process would have no row")
    monkeypatch.setattr(BatchSamplerShard, "world_size", processes)
    monkeypatch.setattr(BatchSamplerShard, "rank", 0)
    sampler = BatchSamplerShard(count, size, shuffle=True, drop_last=False, data_seed=42)
    assert len(list(sampler)) == len(sampler)

    class Arguments:
        max_steps = -1
        num_train_epochs = 3
        gradient_accumulation_steps = rounds
        include_num_input_tokens_seen = "no"

    class Bare(Trainer):  # type: ignore[misc]
        def __init__(self) -> None: ...
        def get_total_train_batch_size(self, args: object) -> int:
            return 1

        def get_sp_size(self) -> int:
            return 1

        def num_examples(self, dataloader: object) -> int:
            return count

    counted = Bare().set_initial_training_values(Arguments(), sampler)
    each = steps_an_epoch(count, Batches(size, rounds, processes))
    assert each == counted[1] and 3 * each == counted[-1]


def test_lengths_are_the_tokenizers(tmp_path: Path) -> None:
    pytest.importorskip("tiktoken")
    qwen_tokens = pytest.importorskip("ordebug.swift_recipes.qwen_tokens")
    said = ("labor: at most 40 hours", "wood: 2 tables <= 40", "order >= 5")
    turns = "<|im_start|>system\nRepair.<|im_end|>\n"
    for text in said:
        turns += f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n{THOUGHT}<|im_end|>\n"
    expected = len(qwen_tokens.qwen_tokenizer().encode(turns))
    answer = len(qwen_tokens.qwen_tokenizer().encode(f"{THOUGHT}<|im_end|>\n"))
    path = rows(tmp_path, 2, said)
    last, every = row_lengths(path, all_turns=False)[0], row_lengths(path, all_turns=True)[0]
    assert last.total == every.total == expected and last.prompt == expected - answer > every.prompt


def test_the_largest_batch() -> None:
    lengths = [Length(100, 90), Length(50, 20), Length(80, 30)]
    assert worst(lengths, Batches(2, 1, 1)) == Batch(2, 100, 81)
    assert worst(lengths, Batches(1, 1, 1)) == Batch(1, 100, 51)


@pytest.mark.parametrize(
    ("name", "gpus", "gib"),
    [  # 16 bytes a trained weight, 2 a frozen one, over so many GPUs
        ("sft/qwen3_8b_full", 2, 16 * 8_190_735_360 / 2 + 2e9),
        ("sft/qwen3_8b_lora", 2, 2 * 8_190_735_360 + (2 + 2 / 2 + 12 / 2) * 87_293_952),
        ("sft/qwen3_8b_lora", 1, 2 * 8_190_735_360 + 16 * 87_293_952),
    ],
)
def test_states_are_those_of_the_zero_paper(name: str, gpus: int, gib: float) -> None:
    model = MODELS["Qwen/Qwen3-8B"]
    assert sum(states(model, tuning(find_recipe(name).values, model), gpus).values()) == pytest.approx(gib)


def test_quantised_and_offloaded_states() -> None:
    model = MODELS["Qwen/Qwen3-8B"]
    packed = states(model, tuning(find_recipe("sft/qwen3_8b_qlora").values, model), 2)
    assert packed["weights"] == pytest.approx(model.linear_parameters * 4.127 / 8 + 2 * 2 * model.embedding, rel=1e-3)
    full = changed(find_recipe("sft/qwen3_8b_full"), deepspeed="zero3_offload")
    assert set(states(model, tuning(full.values, model), 2)) == {"gradients", "gathered weights"}
    whole = tuning(find_recipe("sft/qwen3_8b_base_lora").values, model)
    assert whole.trained == 87_293_952 + 2 * model.embedding


def test_what_fits(tmp_path: Path) -> None:
    data, full = rows(tmp_path), find_recipe("sft/qwen3_8b_full")
    assert make_plan(full, data, None, None, 80).fits
    assert not make_plan(changed(full, deepspeed="zero1"), data, None, None, 80).fits
    assert not make_plan(full, data, 1, None, 80).fits
    assert make_plan(find_recipe("sft/qwen3_8b_qlora"), data, 1, None, 24).fits
    assert not make_plan(find_recipe("sft/qwen3_8b_lora"), data, 1, None, 16).fits


def test_steps_and_time(tmp_path: Path) -> None:
    lora, data = find_recipe("sft/qwen3_8b_lora"), rows(tmp_path, 100)
    made = make_plan(lora, data, None, None, 80)
    assert (made.rows, made.steps_an_epoch, made.steps, made.rows_a_step) == (100, 4, 12, 32)
    assert made.computed_tokens == made.tokens and made.seconds[0] < made.seconds[1]
    twice = make_plan(changed(lora, num_train_epochs=6), data, None, None, 80)
    assert twice.seconds[0] == pytest.approx(2 * made.seconds[0])
    capped = make_plan(changed(lora, max_steps=2), data, None, None, 80)
    assert capped.steps == 2 and capped.seconds[0] == pytest.approx(made.seconds[0] / 6)
    work = make_plan(changed(lora, tuner_type="full"), data, None, None, 80).seconds[0] / made.seconds[0]
    assert 1.25 < work < 1.4  # 8 N D to 6 N D, with checkpointing


def test_long_rows_are_told(tmp_path: Path) -> None:
    data, lora = rows(tmp_path), find_recipe("sft/qwen3_8b_lora")
    with data.open("a") as file:
        file.write(rows(tmp_path / "..", 1, ("x " * 5000,)).read_text())
    (tmp_path / ".." / "rows.jsonl").unlink()
    made = make_plan(lora, data, None, None, 80)
    assert made.too_long == 1 and not made.fits and "longer than max_length 4096" in made.lines()[-1]
    with pytest.raises(UsageError, match="all rows"):
        make_plan(changed(lora, max_length=2), data, None, None, 80)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "Qwen/Qwen3-8B-Instruct"}, "There is none: the post-trained model is Qwen/Qwen3-8B."),
        ({"model": "Qwen/Qwen3-8b"}, "not known here. Did you mean Qwen/Qwen3-8B?"),
        ({"lora_rnak": 16}, "lora_rnak: Did you mean lora_rank?"),
        ({"train_type": "full"}, "train_type: ms-swift 4 calls it tuner_type"),
        ({"tuner_type": "ia3"}, "cannot be planned"),
        ({"target_modules": ["q_projj"]}, "Did you mean q_proj"),
        ({"per_device_train_batch_size": 0}, "per_device_train_batch_size is 0"),
        ({"packing": True}, "packing cannot be planned"),
        ({"learning_rate": 1, "lora_rank": "many"}, "lora_rank"),
        ({"num_train_epochs": "all"}, "num_train_epochs"),
        ({"num_train_epochs": float("nan")}, "num_train_epochs is nan"),
        ({"max_steps": float("inf")}, "max_steps is inf"),
        ({"data_seed": 10**400}, "data_seed is 1000"),
        ({"per_device_train_batch_size": 10**400}, "per_device_train_batch_size is 1000"),
        ({"target_modules": [1, [2]]}, "no linear map is called 1"),
    ],
)
def test_what_cannot_be_planned(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_plan(changed(find_recipe("sft/qwen3_8b_lora"), **values), rows(tmp_path), None, None, 80)


def test_a_folder_is_read(tmp_path: Path) -> None:
    config = {"model_type": "qwen3", "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 3}
    config |= {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 32, "vocab_size": 2000}
    (tmp_path / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    assert architecture(str(tmp_path)) == Architecture(64, 192, 3, 4, 4, 32, 2000, tied=True)
    for broken in ("", "[]", "{}", json.dumps({**config, "model_type": "llama"}), '{"model_type": "qwen3"}'):
        (tmp_path / "config.json").write_text(broken)
        with pytest.raises(InputError, match="no Qwen2 or Qwen3"):
            architecture(str(tmp_path))


def test_the_command(tmp_path: Path) -> None:
    data = str(rows(tmp_path))
    done = CliRunner().invoke(command.app, ["plan", "sft/qwen3_8b_lora", "--data", data])
    assert done.exit_code == 0 and "steps   12: 3 epochs of 4, 32 rows a step" in done.output
    done = CliRunner().invoke(command.app, ["plan", "sft/qwen3_8b_full", "--data", data, "--gpus", "1", "--json"])
    assert done.exit_code == 1 and json.loads(done.output)["fits"] is False
    done = CliRunner().invoke(command.app, ["plan", "sft/qwen3_8b_qlora", "--data", data])
    assert done.exit_code == 0 and "not counted: frozen weights are unpacked in every pass" in done.output
    assert isinstance(CliRunner().invoke(command.app, ["plan", "infer/tiny_cpu", "--data", data]).exception, UsageError)


def test_the_command_warns_of_what_the_check_would_say(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(find_recipe("sft/qwen3_8b_lora").text.replace("_type: cosine", "_type: constant"))
    done = CliRunner().invoke(command.app, ["plan", str(path), "--data", str(rows(tmp_path)), "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["fits"] is True
    assert done.stderr == "warning: warmup_ratio: is ignored by this lr_scheduler_type; leave it out.\n"
