"""What the small Qwen3 has learned after so many steps, by kind of token, without the start of swift sft and infer.

    ordebug tiny build --data train.jsonl --out tiny
    python benchmarks/learning_curve.py tiny train.jsonl unseen.jsonl --steps 2000

Teacher forced: each token is guessed from the true ones before it. ``exact`` is the share of rows whose tokens are all
right; ``walk`` the rows named in the thought, ``said`` the words of the description, ``sense`` the signs, ``name``
the row that is acted upon.
"""

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

KINDS = {" at most": "said", " at least": "said", " withdrawn": "said", " <=": "sense", " >=": "sense"}
KINDS |= {" wrong": "verdict", " fine": "verdict"}
IGNORED = -100
Row = tuple[list[int], list[int]]


def rows(path: Path, tokenizer: PreTrainedTokenizerBase) -> list[Row]:
    """Prompt and answer tokens of each row."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        messages = json.loads(line)["messages"]
        prompt = tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True)
        found.append((tokenizer(prompt)["input_ids"], tokenizer(messages[2]["content"] + "<|im_end|>\n")["input_ids"]))
    return found


def padded(batch: list[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids, labels and attention mask, each (rows, longest)."""
    longest = max(len(prompt) + len(answer) for prompt, answer in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels, mask = torch.full_like(ids, IGNORED), torch.zeros_like(ids)
    for place, (prompt, answer) in enumerate(batch):
        end = len(prompt) + len(answer)
        ids[place, :end] = torch.tensor(prompt + answer)
        labels[place, len(prompt) : end] = torch.tensor(answer)
        mask[place, :end] = 1
    return ids, labels, mask


def kinds(answer: list[int], words: dict[int, str]) -> Iterator[tuple[int, str]]:
    """Place and kind of the tokens that tell whether the row was understood."""
    for place, token in enumerate(answer):
        if words[token] in KINDS:
            yield place, KINDS[words[token]]
        elif place and words[answer[place - 1]] == "(":
            yield place, "name"
        elif words[token].endswith(":") and words[token] != "Action:":
            yield place, "walk"


@torch.no_grad()
def shares(model: torch.nn.Module, unseen: list[Row], words: dict[int, str]) -> dict[str, float]:
    """Share of right guesses by kind, and of rows that are right altogether."""
    right, count = defaultdict(int), defaultdict(int)
    for start in range(0, len(unseen), 100):
        batch = unseen[start : start + 100]
        ids, labels, mask = padded(batch)
        guessed = model(input_ids=ids, attention_mask=mask).logits.argmax(-1)[:, :-1]
        hits = (guessed == labels[:, 1:]) | (labels[:, 1:] == IGNORED)
        count["exact"] += len(batch)
        right["exact"] += int(hits.all(1).sum())
        for place, (prompt, answer) in enumerate(batch):
            for offset, kind in kinds(answer, words):
                count[kind] += 1
                right[kind] += int(hits[place, len(prompt) - 1 + offset])
    return {kind: right[kind] / count[kind] for kind in count}


def main() -> None:
    """Trains in this process and prints a line now and then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("unseen", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--every", type=int, default=200)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    train, unseen = rows(options.train, tokenizer), rows(options.unseen, tokenizer)
    words = {token: tokenizer.decode([token]) for token in range(len(tokenizer))}
    decayed = [weights for weights in model.parameters() if weights.ndim > 1]
    groups = [{"params": decayed}, {"params": [w for w in model.parameters() if w.ndim <= 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.95), weight_decay=0.1)
    last = options.steps * 0.15
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 50, 1.0, max(0.03, (options.steps - step) / last))
    )
    order: list[Row] = []
    dice, start = random.Random(0), time.monotonic()
    for step in range(1, options.steps + 1):
        if len(order) < options.batch:
            order = dice.sample(train, len(train))
        ids, labels, mask = padded([order.pop() for _ in range(options.batch)])
        loss = model(input_ids=ids, labels=labels, attention_mask=mask).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % options.every == 0 or step == options.steps:
            told = "  ".join(f"{kind} {share:.2f}" for kind, share in sorted(shares(model, unseen, words).items()))
            print(f"step {step}  loss {loss.item():.3f}  {told}  {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
