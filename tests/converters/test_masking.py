import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.converters.masking import masked, names_in, without_id

PROMPT = """A joinery plans a week.
saw: at least 51 hours; 2 per stools
Status: INFEASIBLE
IIS rows:
(1) saw: 5 beds + stools >= 94
(2) "big truck": 4 beds <= -6.7e1
Variables: beds integer, stools 0 to 4
Other rows: steel, R7
Protected: steel, 3 other rows
Steps left: 20"""


def test_names_and_numbers_of_a_prompt() -> None:
    assert (
        masked(PROMPT)
        == """A joinery plans a week.
NAME: at least # hours; # per NAME
Status: INFEASIBLE
IIS rows:
(#) NAME: # NAME + NAME >= #
(#) NAME: # NAME <= #
Variables: NAME integer, NAME # to #
Other rows: NAME, NAME
Protected: NAME, # other rows
Steps left: #"""
    )
    assert names_in(PROMPT) >= {"saw", "stools", "beds", "steel"} and not names_in(PROMPT) & {"Status", "Variables"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Step 4: 'c_key_upper' is too tight, it isn't 'c 1's", "Step #: NAME is too tight, it isn't 'c #'s"),
        ("Action: RELAX_CONSTRAINT(c1, 1.0)", "Action: RELAX_CONSTRAINT(NAME, #)"),
        ("ship[north,3] + x.1 - 2x = +1e-3 or 1,000 or 5-6.", "NAME + NAME - NAME = # or #,# or #-#."),
        ("ID: my own puzzle 7\nType: A", "ID: NAME\nType: A"),
        ('"a \\" b" \'\' "open', 'NAME NAME "open'),
        ("", ""),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert masked(expected) == expected


def test_a_thought_is_masked_with_the_names_of_its_prompt() -> None:
    assert masked("saw is wrong, steel fine", names_in(PROMPT)) == "NAME is wrong, NAME fine"
    assert masked("saw is wrong, steel fine") == "saw is wrong, steel fine"


@pytest.mark.parametrize(("mask", "alike"), [(without_id, 3754), (masked, 5122)])
def test_public_rows_alike(public_bench: Path, mask: Callable[[str], str], alike: int) -> None:
    files = [public_bench / "sft" / f"sft_{name}.json" for name in ("gpt52chat", "heuristic")]
    rows = [row for path in files for row in json.loads(path.read_text())["data"]]
    problems = defaultdict(set)
    for row in rows:
        problems[mask(row["input"])].add(row["metadata"]["problem_id"])
    assert sum(len(problems[mask(row["input"])]) > 1 for row in rows) == alike
