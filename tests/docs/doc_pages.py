"""README.md, CHANGELOG.md and docs/*.md: their commands, and the words that name something."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ("ordebug", "swift", "bash", "python")
SKETCH = re.compile(r"[\[\]|<>]|\.\.|^[A-Z]$|^(FILE|ID)$")
"""What a command line that cannot be given as it stands is known by: ``[--json]``, ``a|b``, ``...``, ``N``."""


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
        page: The page, relative to the repository.
        line: Where its block or paragraph begins.
        words: As the shell would split it, without variables in front.
        whole: It stands in a block and can be given as it is; otherwise it only mentions a command.
    """

    page: str
    line: int
    words: tuple[str, ...]
    whole: bool

    @property
    def text(self) -> str:
        return shlex.join(self.words)

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def pages(root: Path) -> list[Path]:
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").glob("*.md"))]


def parsed(page: Path) -> list[Token]:
    """The page as GitHub's rules read it."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def commands(page: Path) -> list[Command]:
    """All commands of a page, blocks and mentions, in their order."""
    name = f"docs/{page.name}" if page.parent.name == "docs" else page.name
    found = []
    for token in parsed(page):
        line = token.map[0] + 1 if token.map else 0
        for text, in_block in _texts(token):
            for words in _split(text):
                sketch = any(SKETCH.search(word) for word in words)
                found.append(Command(name, line, words, whole=in_block and not sketch))
    return found


def mentions(page: Path) -> Iterator[tuple[int, str]]:
    """Everything between backticks in a page's text, with its line."""
    for token in parsed(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield (token.map[0] + 1 if token.map else 0), " ".join(child.content.split())


def _texts(token: Token) -> Iterator[tuple[str, bool]]:
    if token.type in ("fence", "code_block"):
        lines = token.content.replace("\\\n", " ").splitlines()
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield from ((line, True) for line in prompted or lines)
    for child in token.children or ():
        if child.type == "code_inline":
            yield child.content, False


def _split(text: str) -> Iterator[tuple[str, ...]]:
    bare = re.sub(r"(^|\s)#\s.*", "", text)
    for part in re.split(r"\s+(?:&&|;)\s+", bare):
        try:
            words = shlex.split(part)
        except ValueError:  # an apostrophe in a text that is no command
            continue
        while words and (re.fullmatch(r"[A-Z_0-9]+=.*", words[0]) or words[0] == "time"):
            words.pop(0)
        if len(words) > 1 and words[0] in PROGRAMS:
            yield tuple(words)
