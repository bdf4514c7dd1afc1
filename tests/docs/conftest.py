"""The pages that a reader is given, and the commands in them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share is imported by its module's name

from doc_pages import ROOT, Command, commands, pages


@pytest.fixture(scope="session")
def every_command() -> list[Command]:
    """All commands of all pages; an empty list would make the tests on them say nothing."""
    found = [command for page in pages(ROOT) for command in commands(page)]
    assert len(found) > 100
    return found
