"""One observation is the same tokens in training and in every engine, and what is trained is what the engines write.

The ids come from the engines themselves: Transformers and vLLM under ``swift infer``, vLLM under ``swift deploy`` and
``vllm serve``. ``tests/swift_recipes/test_parity.py`` holds the templates to it quickly, with Qwen's real tokenizers.
"""

from collections.abc import Mapping, Sequence

import pytest
from engines import Answer, Case

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
