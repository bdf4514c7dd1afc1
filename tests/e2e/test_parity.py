"""One observation is the same tokens in training and in every engine, and what is trained is what the engines write.

The ids come from the engines themselves: Transformers and vLLM under ``swift infer``, vLLM under ``swift deploy`` and
``vllm serve``, and both in ``swift rlhf``. ``tests/swift_recipes/test_parity.py`` holds the templates to it quickly,
with Qwen's real tokenizers.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest
from engines import ROOT, Answer, Case, leave_arguments, sft_template
from rollouts import Run, Sampled

from ordebug.converters.env_config import read_env_config
from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.action import Action
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import RepairEnv
from ordebug.env.reply import parse_reply
from ordebug.swift_recipes.catalogue import find_recipe

pytestmark = pytest.mark.slow

GENERATION = "<|im_start|>assistant\n"
Answers = Mapping[str, Sequence[Answer]]


def text_of(case: Case, ids: Sequence[int]) -> str:
    from transformers import AutoTokenizer

    return str(AutoTokenizer.from_pretrained(case.base).decode(ids))


@pytest.fixture(params=["qwen3", "qwen2_5"])
def asked(request: pytest.FixtureRequest) -> tuple[Case, Answers]:
    """A checkpoint, and its answers by who gave them."""
    return request.getfixturevalue(request.param), request.getfixturevalue(f"{request.param}_answers")


def test_prompts_are_the_tokens_that_were_trained(asked: tuple[Case, Answers]) -> None:
    case, answers = asked
    trained = [prompt for prompt, _ in case.trained()]
    for way, given in answers.items():
        assert [answer.prompt for answer in given] == trained, way
    assert text_of(case, trained[0]).endswith(f"<|im_end|>\n{GENERATION}")


def test_replies_are_begun_where_the_beginning_is_not_trained(
    qwen2_5: Case, vllm_programs: Path, tmp_path: Path
) -> None:
    """As ``sft/qwen2_5_7b_lora`` trains: ``swift deploy`` gives `<think>`, which the checkpoint's arguments tell of."""
    loss_scale = find_recipe("sft/qwen2_5_7b_lora").values["loss_scale"]
    adapter = tmp_path / "adapter"
    shutil.copytree(qwen2_5.checkpoint, adapter)
    leave_arguments(adapter, loss_scale)
    case = replace(qwen2_5, checkpoint=adapter, loss_scale=loss_scale)
    given, trained = case.served("swift"), [prompt for prompt, _ in case.trained()]
    assert [answer.prompt for answer in given] == trained
    assert text_of(case, trained[0]).endswith(f"{GENERATION}<think>\n")
    assert all(answer.text.startswith("<think>\n") for answer in given)


def test_labels_are_the_row_and_its_end(asked: tuple[Case, Answers]) -> None:
    case, _ = asked
    for row, (_, labels) in zip(case.rows, case.trained(), strict=True):
        assert text_of(case, labels) == row["messages"][2]["content"] + "<|im_end|>\n"


def test_engines_write_the_labels(qwen3: Case, qwen3_answers: Answers) -> None:
    """Where the model answers as the oracle does, its tokens are the labels, up to the one that ends the turn."""
    trained = qwen3.trained()
    for way, given in qwen3_answers.items():
        same = [
            (answer.tokens, labels[: len(answer.tokens)])
            for answer, row, (_, labels) in zip(given, qwen3.rows, trained, strict=True)
            if answer.text == row["messages"][2]["content"]
        ]
        assert len(same) >= 5, way
        assert all(tokens == labels and text_of(qwen3, tokens[-1:]) == "<|im_end|>" for tokens, labels in same), way


def test_a_served_adapter_answers_as_itself(qwen2_5: Case, qwen2_5_answers: Answers) -> None:
    """vLLM says with the adapter what Transformers says with it, and the base model says something else."""
    import torch
    from transformers import AutoModelForCausalLM

    expected = [answer.tokens for answer in qwen2_5_answers["swift infer, transformers"]]
    for way, given in qwen2_5_answers.items():
        equal = sum(answer.tokens == tokens for answer, tokens in zip(given, expected, strict=True))
        assert equal >= len(expected) - 1, way
    base = AutoModelForCausalLM.from_pretrained(qwen2_5.base, dtype="float32")
    for tokens, (prompt, _) in zip(expected, qwen2_5.trained(), strict=True):
        ids = torch.tensor([prompt])
        found = base.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False)
        assert found[0, len(prompt) :].tolist() != tokens


@pytest.fixture(scope="module")
def evaluated(chat_tiny: Path, two_decisions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ``ordebug rollout``, and beside it what its engine was given, ``tokens.jsonl``, round by round."""
    out = tmp_path_factory.mktemp("evaluated") / "run"
    command = ["ordebug", "rollout", "--policy", "swift-infer", "--model", str(chat_tiny), "--out", str(out)]
    command += ["--recipe", str(ROOT / "swift_recipes/infer/tiny_cpu.yaml"), "--problems", f"{two_decisions}/problems"]
    command += ["--max-steps", "4", "--infer-arg", f"--external_plugins {ROOT}/tests/e2e/plugins/engine_tokens.py"]
    env = {**os.environ, "ENGINE_TOKENS": str(out.parent / "tokens.jsonl")}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out


def shown(evaluated: Path) -> list[list[int]]:
    """The prompts of an evaluation."""
    return [row["prompt_token_ids"] for _, row in read_rows(evaluated.parent / "tokens.jsonl")]


def tokens_of(case: Case, text: str) -> list[int]:
    from transformers import AutoTokenizer

    return list(AutoTokenizer.from_pretrained(case.base).encode(text))


def last_turn(case: Case, prompt: Sequence[int]) -> list[int]:
    """From the last user turn of a prompt on."""
    [begin] = tokens_of(case, "<|im_start|>")
    places = [place for place, token in enumerate(prompt) if token == begin]
    return list(prompt[places[-2] :])


def conversation(case: Case, row: dict[str, Any], turns: Sequence[Sampled]) -> dict[str, Any]:
    """An episode's states as the environment renders them, and its replies as text."""
    config = read_env_config(row["env_config"])
    problems = read_problem_set(config.problems)
    env = RepairEnv(problems.get(row["problem"]), problems, config.rules)
    observation, _ = env.reset()
    messages = config.messages(observation)
    for turn in turns:
        reply = text_of(case, turn.tokens).removesuffix("<|im_end|>")
        messages += [{"role": "assistant", "content": reply}]
        observation = env.step(reply)[0]
        messages += config.messages(observation)[1:]
    env.close()
    return {"messages": messages[:-1]}


def decision(case: Case, reply: Sampled) -> str | None:
    """The action of a reply in form, None of any other."""
    text = text_of(case, reply.tokens).removesuffix("<|im_end|>")
    parsed = parse_reply(text)
    return str(parsed.action) if isinstance(parsed.action, Action) and parsed.think_state == "valid" else None


class TestGRPO:
    """What GRPO shows, keeps and trains, held to SFT rows and to evaluation."""

    def test_first_prompts_are_those_of_sft_and_of_evaluation(
        self, chat_tiny: Path, two_decisions: Path, evaluated: Path, single_decisions: Run, whole_episodes: Run
    ) -> None:
        rows = [row for _, row in read_rows(two_decisions / "sft.jsonl") if row["step"] == 1]
        trained = {tuple(prompt) for prompt, _ in Case(chat_tiny, chat_tiny, (), "qwen3", rows, 96).trained()}
        assert {tuple(prompt) for prompt in shown(evaluated)[: len(rows)]} == trained and len(trained) == len(rows)
        firsts = [turns[0] for turns in whole_episodes.episodes()]
        assert len(single_decisions.sampled) == 32 and len(firsts) == 96
        assert all(tuple(reply.prompt) in trained for reply in [*single_decisions.sampled, *firsts])

    def test_a_decision_is_trained_as_it_was_sampled(self, single_decisions: Run) -> None:
        for reply in single_decisions.sampled:
            ids, mask = reply.prompt + reply.tokens, [0] * len(reply.prompt) + [1] * len(reply.tokens)
            assert any(row.ids == ids and row.mask == mask for row in single_decisions.trained)

    def test_history_is_what_was_sampled(self, qwen3: Case, whole_episodes: Run) -> None:
        """A later prompt is the earlier one, its reply token by token, and one more user turn."""
        end, begin = tokens_of(qwen3, "<|im_end|>"), tokens_of(qwen3, "\n<|im_start|>user\n")
        several = [turns for turns in whole_episodes.episodes() if len(turns) > 1]
        assert len(several) >= 32
        for before, after in (pair for turns in several for pair in pairwise(turns)):
            said = before.prompt + before.tokens + ([] if before.tokens[-1:] == end else end)
            assert after.prompt[: len(said) + len(begin)] == said + begin

    def test_user_turns_are_those_of_evaluation(self, qwen3: Case, evaluated: Path, whole_episodes: Run) -> None:
        """Where evaluation came to the same state, it showed the same tokens."""
        episodes = [row for _, row in read_rows(evaluated / "episodes.jsonl")]
        decided = {row["problem_id"]: row["steps"][0]["action"] for row in episodes if len(row["steps"]) > 1}
        known = {tuple(last_turn(qwen3, prompt)) for prompt in shown(evaluated)[len(episodes) :]}
        alike = [
            turns[1].prompt
            for turns in whole_episodes.episodes()
            if len(turns) > 1 and decision(qwen3, turns[0]) == decided.get(turns[0].problem, "")
        ]
        assert len(alike) >= 8 and all(tuple(last_turn(qwen3, prompt)) in known for prompt in alike)

    def test_an_episode_is_a_chat_row(
        self, qwen3: Case, two_decisions: Path, whole_episodes: Run, tmp_path: Path
    ) -> None:
        """The states as the environment renders them and the replies as text, converted: the ids that GRPO trained."""
        rows = {row["problem"]: row for _, row in read_rows(two_decisions / "grpo.jsonl")}
        begun = [list(takewhile(partial(decision, qwen3), turns)) for turns in whole_episodes.episodes()]
        episodes = [turns for turns in begun if len(turns) > 1]
        write_rows(tmp_path / "said.jsonl", [conversation(qwen3, rows[turns[0].problem], turns) for turns in episodes])
        convert = ["ordebug", "data", "convert", f"{tmp_path}/said.jsonl", "--turns", "chat", "--actions", "core"]
        done = subprocess.run([*convert, "--out", f"{tmp_path}/chat.jsonl"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        kept, dropped = (sft_template(qwen3, "default", preserve_thinking=flag) for flag in (True, False))
        same = 0
        for turns, (_, row) in zip(episodes, read_rows(tmp_path / "chat.jsonl"), strict=True):
            encoded = kept.encode({"messages": row["messages"]})
            ids, labels = (encoded[key][:-1] for key in ("input_ids", "labels"))  # the line end is no engine's
            sampled = turns[-1].prompt + turns[-1].tokens
            if ids != sampled:  # sampled in other tokens than the text would be written in, or holding the chat's own
                continue
            [mask] = {tuple(t.mask[: len(ids)]) for t in whole_episodes.trained if t.ids[: len(ids)] == ids}
            differ = [place for place, label in enumerate(labels) if mask[place] != (label != -100)]
            assert {text_of(qwen3, ids[place - 1 : place + 1]) for place in differ} == {"<|im_end|>\n"}
            assert dropped.encode({"messages": row["messages"]})["input_ids"][:-1] != ids
            same += 1
        assert same >= max(8, len(episodes) / 2)
