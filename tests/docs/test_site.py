"""The site builds without a warning, asks nothing of the network, and shows what the files say."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from doc_pages import ROOT, pages
from markdown_it import MarkdownIt

SOURCES = ("mkdocs.yml", "README.md", "CHANGELOG.md", "docs")
SAME = ("h1", "h2", "h3", "li", "pre", "table", "td", "th", "img", "code", "strong")


class Elements(HTMLParser):
    """What a page holds: tags, identifiers, and where it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.leads: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attributes:
            if name == "id" and value:
                self.ids.add(value)
            if name in ("href", "src") and value is not None:
                self.leads.append((tag, value))


def build(root: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = ["mkdocs", "build", "--strict", "--site-dir", str(out)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    done = build(ROOT, out)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return out


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    root.mkdir()
    for name in SOURCES:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, root / name)
    return root


def html(site: Path) -> dict[Path, Elements]:
    return {page.resolve(): Elements(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}


def dead_ends(site: Path) -> Iterator[str]:
    """Every link, picture, script and style of the built pages that leads nowhere, or into the network."""
    found = html(site)
    for page, elements in found.items():
        for tag, lead in elements.leads:
            parts = urlsplit(lead)
            if parts.scheme:
                if tag != "a":
                    yield f"{page.name}: {tag} is fetched from {lead}"
                continue
            base = site.resolve() if parts.path.startswith("/") else page.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{page.name}: {lead}"
            elif parts.fragment and target in found and unquote(parts.fragment) not in found[target].ids:
                yield f"{page.name}: {lead}: no such anchor"


def test_every_link_of_the_built_pages_leads_somewhere(site: Path) -> None:
    assert list(dead_ends(site)) == []


def test_the_check_of_built_pages_sees_what_is_broken(site: Path, tmp_path: Path) -> None:
    broken = tmp_path / "site"
    shutil.copytree(site, broken)
    page = broken / "data.html"
    page.write_text(
        page.read_text() + '<a href="none.html"></a><a href="grpo.html#none"></a><script src="https://x.y">'
    )
    assert len(list(dead_ends(broken))) == 3


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: page.stem)
def test_the_site_shows_what_github_shows(site: Path, page: Path) -> None:
    """Lists, tables and blocks are where CommonMark sees them; Python-Markdown reads some files differently."""
    shown = (site / {"README": "index", "CHANGELOG": "changelog"}.get(page.stem, page.stem)).with_suffix(".html")
    article = re.search(r"<article.*</article>", shown.read_text(encoding="utf-8"), re.DOTALL)
    assert article is not None
    ours = Elements(article[0]).tags
    theirs = Elements(MarkdownIt("commonmark").enable("table").render(page.read_text(encoding="utf-8"))).tags
    assert {tag: ours[tag] for tag in SAME} == {tag: theirs[tag] for tag in SAME}


@pytest.mark.parametrize(
    ("file", "added", "says"),
    [
        ("docs/data.md", "[none](none.md)", "none.md"),
        ("docs/data.md", "[none](grpo.md#none)", "does not contain an anchor '#none'"),
        ("docs/data.md", "[none](#none)", "there is no such anchor"),
        ("docs/data.md", "![none](none.png)", "none.png"),
        ("README.md", "[none](docs/none.md)", "none.md"),
        ("README.md", "[none](docs/grpo.md#none)", "does not contain an anchor '#none'"),
        ("CHANGELOG.md", "[none](docs/none.md)", "none.md"),
        ("docs/new.md", "# A page without its line in mkdocs.yml", "new.md"),
        ("mkdocs.yml", "  - None: none.md", "none.md"),
    ],
)
def test_a_broken_copy_does_not_build(copy: Path, tmp_path: Path, file: str, added: str, says: str) -> None:
    changed = copy / file
    text = changed.read_text() if changed.exists() else ""
    changed.write_text(text.replace("nav:\n", f"nav:\n{added}\n") if file == "mkdocs.yml" else f"{text}\n\n{added}\n")
    done = build(copy, tmp_path / "out")
    assert done.returncode == 1
    assert says in done.stderr and "Traceback" not in done.stderr


def test_the_copy_builds_before_it_is_broken(copy: Path, tmp_path: Path) -> None:
    assert build(copy, tmp_path / "out").returncode == 0
