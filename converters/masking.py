"""Texts with their names and numbers masked: what remains is the wording, in which problems may still be alike.

A name is whatever stands in quotes, holds a digit, an underscore or brackets, or is declared by the prompt's own lines
(``chairs: at most ...``, ``(1) press: 3 chairs <= 40``, ``Other rows: press, saw``); a number is any literal. All names
become one placeholder and all numbers another, which finds alike whatever a milder masking finds alike. Only the
problem's id is masked by ``without_id``.
"""

import re
from collections.abc import Collection

from ordebug.env.action import SPECS

NAME = "NAME"
NUMBER = "#"
ID_LINE = re.compile(r"^ID: .*$", re.MULTILINE)
WORD = r"\w+(?:[.\-]\w+)*(?:\[[^\]\s]*\])?"
QUOTED = r'"(?:[^"\\\n]|\\.)*"'
TOKEN = re.compile(
    rf"(?P<quoted>(?<!\w)(?:{QUOTED}|'(?:[^'\\\n]|\\.)*')(?!\w))"
    r"|(?P<number>(?<![\w.])[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w\[]))"
    rf"|(?P<word>{WORD})"
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
    return TOKEN.sub(lambda token: _placeholder(token, known), ID_LINE.sub(f"ID: {NAME}", text))


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


def _placeholder(token: re.Match[str], names: Collection[str]) -> str:
    text = token[0]
    if token.lastgroup == "number" or text.isdecimal():
        return NUMBER
    if token.lastgroup == "quoted" or text in names:
        return NAME
    return NAME if LOOKS_LIKE_A_NAME.search(text) and text not in SPECS else text
