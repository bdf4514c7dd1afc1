"""Texts with their names and numbers masked: what remains is the wording, in which problems may still be alike.

A name is whatever stands in quotes, holds a digit, an underscore or brackets, or is declared by the prompt's own lines
(``chairs: at most ...``, ``(1) press: 3 chairs <= 40``, ``Other rows: press, saw``); a number is any literal. All names
become one placeholder and all numbers another, which finds alike whatever a milder masking finds alike. Only the
problem's id is masked by ``without_id``.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from ordebug.env.action import SPECS

NAME = "NAME"
NUMBER = "#"
ID_LINE = re.compile(r"^ID: .*$", re.MULTILINE)
WORD = r"\w+(?:[.\-]\w+)*(?:\[[^\[\]\s]*\])?"
QUOTED = r'"(?:[^"\\\n]|\\.){0,255}"'
NUMBER_LITERAL = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
TOKEN = re.compile(
    rf"((?<!\w)(?:{QUOTED}|'(?:[^'\\\n]|\\.){{0,255}}')(?!\w)|(?<![\w.]){NUMBER_LITERAL}(?![\w\[])|{WORD})"
)
DECLARED = re.compile(rf"^(?:\(\d+\) )?({WORD})(?=: )|\bper ({WORD})", re.MULTILINE)
ALGEBRA = re.compile(rf"^\(\d+\) (?:{WORD}|{QUOTED}): (.*)$", re.MULTILINE)
LISTED = re.compile(r"^(?:Other rows|Protected|IIS bounds|Variables): (.*)$", re.MULTILINE)
LEADING = re.compile(rf"(?:^|, )({WORD})")
HEADINGS = frozenset({"ID", "Type", "Status", "Constraints", "Variables", "Protected", "Action"})
LOOKS_LIKE_A_NAME = re.compile(r"[\d_\[]")


def masked(text: str, names: Collection[str] | None = None) -> str:
    """The text with every name and every number replaced by a placeholder.

    Args:
        text: A prompt or a thought.
        names: Plain words that are names here; None finds those that the text itself declares. A thought is masked
            with those of its prompt: ``masked(thought, names_in(prompt))``.
    """
    known = names_in(text) if names is None else names
    pieces = TOKEN.split(without_id(text))  # every other piece is a token
    found = map(_masked_token, pieces[1::2])
    pieces[1::2] = [NAME if token in known else token for token in found]
    return "".join(pieces)


def without_id(text: str) -> str:
    """The text with the problem's id alone masked."""
    return ID_LINE.sub(f"ID: {NAME}", text)


def names_in(prompt: str) -> frozenset[str]:
    """The names that a prompt's lines declare, plain words among them."""
    found = {name for pair in DECLARED.findall(prompt) for name in pair}
    for terms in ALGEBRA.findall(prompt):
        found.update(re.findall(WORD, terms))
    for listed in LISTED.findall(prompt):
        found.update(LEADING.findall(listed))
    return frozenset(found - HEADINGS - {""})


@lru_cache(maxsize=1 << 16)
def _masked_token(token: str) -> str:
    if re.fullmatch(NUMBER_LITERAL, token):
        return NUMBER
    name = token[0] in "\"'" or (LOOKS_LIKE_A_NAME.search(token) and token.upper() not in SPECS)
    return NAME if name else token
