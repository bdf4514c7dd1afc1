"""Pages of the site that lie outside docs/: the README, which comes first, and the changes."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(?<=\]\()(?!https?:)([^)#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    root = Path(config.docs_dir).parent
    for source, page in PAGES.items():
        text = (root / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=LINK.sub(lambda link: _on_the_site(link[1]), text)))
    return files


def _on_the_site(link: str) -> str:
    return PAGES.get(link) or link.removeprefix("docs/")
