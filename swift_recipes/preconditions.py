"""What must hold before a training run gets its folder: ms-swift would stop later, with a traceback, or ask a hub."""

import re
from collections.abc import Iterator
from pathlib import Path

from ordebug.core.errors import UsageError
from ordebug.swift_recipes.arguments import NO_SUCH, key_problems
from ordebug.swift_recipes.check import quiet_imports
from ordebug.swift_recipes.general import FILE_SUFFIXES
from ordebug.swift_recipes.model_names import is_local
from ordebug.swift_recipes.training_run import FOLDERS, TrainingRun

FILES = ("dataset", "val_dataset", "external_plugins")
"""Arguments that name files, or data sets of a hub."""


def require(run: TrainingRun) -> None:
    """Nothing when a run may begin.

    Raises:
        UsageError: If a file or a model is missing, or ms-swift would refuse an argument.
        ToolError: If ms-swift is not installed.
    """
    found = [*_missing(run)] or [*_refused(run)]  # ms-swift takes seconds to import
    if found:
        raise UsageError(" ".join(found), "Correct it and give the command again; nothing was written.")


def _missing(run: TrainingRun) -> Iterator[str]:
    for key in FILES:
        for word in run.arguments.get(key, ()):
            if _names_a_file(word) and not _is_there(word):
                yield f"{key}: {word} does not exist; the current folder is {Path.cwd()}."
    for key in FOLDERS:
        for word in run.arguments.get(key, ()):
            if word in NO_SUCH:
                yield f"{key}: {word}?{NO_SUCH[word]}"
            elif is_local(word) and not Path(word).is_dir():
                yield f"{key}: there is no folder {word}; the current one is {Path.cwd()}."


def _refused(run: TrainingRun) -> Iterator[str]:
    quiet_imports()
    yield from key_problems(run.trainer, {key: list(words) for key, words in run.arguments.items()})


def _names_a_file(word: str) -> bool:
    """Whether a data set is named by a path: ms-swift's names are ``[hf::]owner/name[:subset][#rows]``."""
    path = _path(word)
    return "::" not in word and (Path(path).suffix in (*FILE_SUFFIXES, ".py", ".txt") or is_local(path))


def _is_there(word: str) -> bool:
    return any(Path(each).exists() for each in (word, re.sub(r"#\d+$", "", word), _path(word)))


def _path(word: str) -> str:
    return re.sub(r"#\d+$", "", word).partition(":")[0]
