"""How ``swift infer`` is called, and what of its recipe matters here."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import yaml

from ordebug.core.errors import InputError, ToolError
from ordebug.eval.adapter import ADAPTER, check_vllm_takes
from ordebug.eval.process import run_logged

LOG_LINES_SHOWN = 15


@dataclass(frozen=True)
class SwiftInfer:
    """How ``swift infer`` is called.

    Attributes:
        model: A checkpoint's folder, an adapter's folder, or a model's id.
        recipe: YAML of arguments.
        arguments: Further arguments, such as ``--max_batch_size 8``; they win over the recipe.
    """

    model: str
    recipe: Path
    arguments: tuple[str, ...] = ()

    def command(self, prompts: Path, result: Path) -> list[str]:
        """The command of one round.

        Raises:
            ToolError: If ms-swift is not installed.
        """
        kind = "--adapters" if (Path(self.model) / ADAPTER).is_file() else "--model"
        # Kept columns would reach generate() in the transformers backend, which refuses them; labels carry the keys.
        files = ["--val_dataset", str(prompts), "--result_path", str(result), "--remove_unused_columns", "true"]
        return [swift_program(), "infer", str(self.recipe), kind, self.model, *files, *self.arguments]

    @property
    def max_new_tokens(self) -> int | None:
        """The limit of a reply: of the arguments, else of the recipe."""
        value = self.value("max_new_tokens")
        return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None

    def check(self) -> None:
        """Refuses at once what the engine would refuse late.

        Raises:
            UsageError: If vLLM does not take the adapter as it is.
        """
        if self.value("infer_backend") == "vllm" and str(self.value("merge_lora")).lower() != "true":
            check_vllm_takes(self.model)

    def value(self, name: str) -> object:
        """What is in force: of the arguments, else of the recipe; None where neither says."""
        given = self.given(name)
        return _recipe(self.recipe).get(name) if given is None else given

    def given(self, name: str) -> str | None:
        """What the arguments say of it, the last one where there are several."""
        found = None
        for word, after in zip_longest(self.arguments, self.arguments[1:]):
            key, equals, value = word.partition("=")
            if key == f"--{name}":
                found = value if equals else after
        return found


def swift_program() -> str:
    """The ``swift`` of this Python, else the one on PATH.

    Raises:
        ToolError: If there is none.
    """
    beside = Path(sys.executable).with_name("swift")
    found = str(beside) if beside.is_file() else shutil.which("swift")
    if found is None:
        raise ToolError("ms-swift is not installed: there is no program 'swift'.", "Install it: bash shell/setup.sh")
    return found


def call(command: Sequence[str], log: Path) -> None:
    """Runs ``swift infer`` with its output in a log file.

    Raises:
        ToolError: If it cannot be started or failed; the message shows the end of the log.
    """
    try:
        status = run_logged(command, log)
    except OSError as error:
        raise ToolError(f"{command[0]} could not be started ({error}).", "Install it: bash shell/setup.sh") from None
    if status:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        raise ToolError(
            f"swift infer ended with status {status}. The last lines of {log}:\n" + "\n".join(last),
            "Fix what they say and give the same command again; rounds that are complete are kept.",
        )


def _recipe(path: Path) -> dict[str, object]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({error}).", "Give a recipe for swift infer.") from None
    return found if isinstance(found, dict) else {}
