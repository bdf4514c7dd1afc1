"""Overlays: a few lines that make a variant of a recipe, ``rlhf/qwen3_8b_grpo+dapo``.

An overlay's value takes the place of the recipe's, ``null`` takes the line out (as in a JSON merge patch, RFC 7396),
and what the recipe does not have is added at its end. What comes out is the text of a recipe, comments and all, since
``swift`` reads one file.
"""

import re
from collections.abc import Iterator

TOP_LEVEL = re.compile(r"^(?P<key>[^\s:#'\"-][^:#]*):")


def overlaid(base: str, overlay: str, name: str) -> str:
    """The text of a recipe with an overlay's lines in it.

    Args:
        base: The recipe's text.
        overlay: The overlay's text.
        name: What the added lines are headed with.
    """
    changes = dict(_lines(overlay))
    head, body = _parted(base)
    about = [f"# + {name}: {line}" if not place else f"#   {line}" for place, line in enumerate(_comment(overlay))]
    gone = {key for key, line in changes.items() if _is_null(line)}
    spans = _spans(body)
    kept = [changes.get(key, line) for key, line in spans if key not in gone]
    known = {key for key, _ in spans}
    added = [line for key, line in changes.items() if key not in known | gone]
    return "\n".join([*head, *about, *kept, *(["", *added] if added else [])]) + "\n"


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each argument of an overlay with its line."""
    for line in text.splitlines():
        match = TOP_LEVEL.match(line)
        if match:
            yield match["key"], line


def _parted(text: str) -> tuple[list[str], list[str]]:
    """The comment at the head, and the rest."""
    lines = text.splitlines()
    end = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[:end], lines[end:]


def _spans(lines: list[str]) -> list[tuple[str, str]]:
    """Each argument with all its lines; blank lines and comments between them stand alone, under no name."""
    found: list[tuple[str, str]] = []
    for line in lines:
        match = TOP_LEVEL.match(line)
        if match:
            found.append((match["key"], line))
        elif found and found[-1][0] and line.startswith((" ", "-", "]", "}")):
            found[-1] = found[-1][0], f"{found[-1][1]}\n{line}"
        else:
            found.append(("", line))
    return found


def _is_null(line: str) -> bool:
    value = line.partition(":")[2].partition("#")[0].strip()
    return value in ("null", "~", "")


def _comment(text: str) -> list[str]:
    """The lines at a text's head, without their mark."""
    return [line.removeprefix("#").strip() for line in _parted(text)[0]]
