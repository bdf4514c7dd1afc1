"""Links between the pages as GitHub reads them; links into the network are looked at, not followed."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from doc_pages import ROOT, pages, parsed
from markdown_it.token import Token


def anchors(page: Path) -> set[str]:
    """GitHub's anchors: lower case, letters, digits, ``-`` and ``_``; a second one alike ends in ``-1``."""
    seen: Counter[str] = Counter()
    found = set()
    tokens = parsed(page)
    for opening, heading in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in heading.children or () if child.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


def links(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        for name in ("href", "src"):
            if value := token.attrGet(name):
                yield str(value)
        yield from links(token.children or [])


def broken(root: Path) -> Iterator[str]:
    """Every link that leads nowhere, with its page."""
    for page in pages(root):
        for link in links(parsed(page)):
            parts = urlsplit(link)
            target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
            if parts.scheme or parts.netloc:
                well_formed = parts.scheme == "https" and re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc)
                if not well_formed:
                    yield f"{page.name}: {link}: not an https address"
            elif not target.is_relative_to(root) or not target.exists():
                yield f"{page.name}: {link}: no such file"
            elif parts.fragment and parts.fragment not in anchors(target):
                yield f"{page.name}: {link}: no such heading"


def test_every_link_leads_somewhere() -> None:
    assert list(broken(ROOT)) == []


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ("[x](none.md)", "no such file"),
        ("![x](none.png)", "no such file"),
        ("[x](../../none.md)", "no such file"),
        ("[x](data.md#none)", "no such heading"),
        ("[x](#none)", "no such heading"),
        ("[x](http://example.org)", "not an https address"),
        ("[x](https://example)", "not an https address"),
    ],
)
def test_a_broken_link_is_seen(tmp_path: Path, added: str, says: str) -> None:
    for name in ("README.md", "CHANGELOG.md"):
        (tmp_path / name).write_text("# A page\n")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    (tmp_path / "docs/extra.md").write_text(f"# Extra\n\n{added}\n")
    (found,) = (each for each in broken(tmp_path) if each.startswith("extra.md: "))
    assert says in found
