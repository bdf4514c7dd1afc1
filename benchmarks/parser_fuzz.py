"""The parser under mutated replies: no exception, only actions or reasons of the closed list; replies a second.

python benchmarks/parser_fuzz.py [--replies 1000000] [--seed 0]

Exit status 1 when a reply broke the parser; the reply is printed.
"""

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from typing import get_args

from ordebug.env.action import ACTION_SETS, Action, ActionSet, InvalidAction, InvalidReason
from ordebug.env.reply import parse_reply
from ordebug.env.tools import tool_call_text

THOUGHT = "<think>\nThe row {} asks for more than the others allow, so its sense must be wrong.\n</think>\n\n"
ACTIONS = (
    Action("GET_IIS"),
    Action("DROP_CONSTRAINT", ("labor",)),
    Action("DROP_CONSTRAINT", ("flow[3,4]",)),
    Action("RELAX_CONSTRAINT", ('say "no", (b', 12.5)),
    Action("UPDATE_BOUNDS", ("x", -1.0, 1e6)),
    Action("SET_COEFFICIENT", ("mix", "x", 1e-3)),
    Action("SET_TYPE", ("y", "I")),
    Action("SUBMIT"),
)
SEEDS = [
    THOUGHT.format(action.target) + text
    for action in ACTIONS
    for text in (f"Action: {action}", tool_call_text(action), f"I am sure.\nAction: {action}<|im_end|>")
]
PIECES = (
    *("<think>", "</think>", "<tool_call>", "</tool_call>", "<|im_end|>", "Action:", "\nAction: ", "\r", "\x00"),
    *(
        '"',
        "'",
        "\\",
        "\\u0000",
        "\\ud800",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\n",
        " ",
        "\u2028",
        "é",
        "\U0001f600",
    ),
    *(
        "1e999",
        "-0",
        "nan",
        "-inf",
        "9" * 400,
        "1_000",
        "0x1F",
        "١٢",
        "null",
        "true",
        "__import__('os').system('true')",
    ),
    *("DROP_CONSTRAINT", "RELAX_CONSTRAINT(", "name", '"arguments": {', "[" * 300, "(" * 300),
)
REASONS = frozenset(get_args(InvalidReason))
BATCH = 20_000


def mutated(rng: random.Random) -> str:
    """A seed, cut, doubled, spliced with another or with a piece, one to six times."""
    text = rng.choice(SEEDS)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.randint(0, 12))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + text[to:]
        elif kind == 1:
            text = text[:to] + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[to:]
        elif kind == 3:
            text = text[:at] + chr(rng.randrange(0x20, 0xD7FF)) + text[to:]
        else:
            other = rng.choice(SEEDS)
            text = text[:at] + other[rng.randrange(len(other)) :]
    return text


def parse_all(replies: list[str], action_set: ActionSet, seen: Counter[str]) -> None:
    for reply in replies:
        try:
            action = parse_reply(reply, action_set).action
        except Exception:
            traceback.print_exc()
            sys.exit(f"broke at {reply!r}")
        name = action.reason if isinstance(action, InvalidAction) else action.name
        seen[name] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, seen, seconds, done = random.Random(given.seed), Counter[str](), 0.0, 0
    sets = list(ACTION_SETS)
    while done < given.replies:
        replies = [mutated(rng) for _ in range(min(BATCH, given.replies - done))]
        start = time.perf_counter()
        parse_all(replies, sets[done // BATCH % len(sets)], seen)
        seconds += time.perf_counter() - start
        done += len(replies)
    strange = seen.keys() - REASONS - {name for names in ACTION_SETS.values() for name in names}
    print(f"{done} replies in {seconds:.1f} s: {done / seconds:,.0f} a second; {dict(seen.most_common())}")
    if strange:
        sys.exit(f"neither an action nor a reason: {strange}")


if __name__ == "__main__":
    main()
