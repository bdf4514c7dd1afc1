"""Policy ``swift-infer``: a checkpoint plays through ``swift infer``, one run of it a round over all open episodes.

Every episode's prompt goes into one file, ``swift infer`` answers it, the environment takes the replies, until all
episodes have ended. A round whose prompts are those of an earlier, complete one is read instead of run again.
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from ordebug.core.errors import InputError, OrdebugError, ToolError, existing_file
from ordebug.core.jsonl import Row, read_rows, write_rows
from ordebug.core.parallel import parallel_map
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Message, messages_sha256
from ordebug.eval.attempt import PolicyReply, Replay, Setting, replay
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.swift_result import Key, carrier, read_result

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
        kind = "--adapters" if (Path(self.model) / "adapter_config.json").is_file() else "--model"
        # Kept columns would reach generate() in the transformers backend, which refuses them; labels carry the keys.
        files = ["--val_dataset", str(prompts), "--result_path", str(result), "--remove_unused_columns", "true"]
        return [swift_program(), "infer", str(self.recipe), kind, self.model, *files, *self.arguments]

    @property
    def max_new_tokens(self) -> int | None:
        """The limit of a reply: of the arguments, else of the recipe."""
        given = [v for k, v in zip(self.arguments, self.arguments[1:], strict=False) if k == "--max_new_tokens"]
        value = given[-1] if given else _recipe(self.recipe).get("max_new_tokens")
        return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None


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


def play_swift_infer(
    run: RunFolder,
    problems: ProblemSet,
    setting: Setting,
    swift: SwiftInfer,
    *,
    policy: str,
    samples: int,
    workers: int,
) -> None:
    """Plays every problem ``samples`` times.

    Raises:
        ToolError: If ``swift infer`` is missing or failed.
        InputError: If its result lacks a reply or holds two for one prompt.
        LicenceError: If the solver has no licence.
    """
    finished = run.finished()
    items = {
        (problem.problem_id, sample): Replay(problem, problems.folder, setting, policy, sample)
        for problem in problems
        for sample in range(samples)
    }
    if items.keys() <= finished:
        return
    existing_file(swift.recipe, "a recipe for swift infer")
    number = 0
    # Rounds always start from the first one, so that a resumed run asks the very prompts of the run that was stopped.
    while prompts := _advance(run, items, finished, workers):
        number += 1
        replies = answer(run.path / "infer", number, prompts, swift)
        items = {key: _with_reply(items[key], replies[key]) for key in prompts}


def answer(
    folder: Path, number: int, prompts: Mapping[Key, list[Message]], swift: SwiftInfer
) -> dict[Key, PolicyReply]:
    """The replies of one round, from its files where they are complete, else from a run of ``swift infer``."""
    asked = [
        {"messages": [*messages, carrier(key)], "problem_id": key[0], "sample": key[1]}
        for key, messages in prompts.items()
    ]
    source, result = folder / f"round-{number}.input.jsonl", folder / f"round-{number}.result.jsonl"
    stored = _stored(source, result, asked, prompts, swift)
    if stored is not None:
        return stored
    result.unlink(missing_ok=True)  # swift infer appends to a file that exists
    write_rows(source, asked)
    _call(swift.command(source, result), folder / f"round-{number}.log", number, len(asked))
    return _replies(result, prompts, swift)


def _advance(run: RunFolder, items: Mapping[Key, Replay], finished: set[Key], workers: int) -> dict[Key, list[Message]]:
    """Plays what has been replied so far, keeps the episodes that ended, and returns the prompts of the others."""
    prompts: dict[Key, list[Message]] = {}
    played = parallel_map(replay, list(items.values()), workers=workers, label="environment")
    for key, (messages, episode) in zip(items, played, strict=True):
        if episode is None:
            prompts[key] = messages
        elif key not in finished:
            run.append([episode])
    return prompts


def _with_reply(item: Replay, reply: PolicyReply) -> Replay:
    return replace(item, replies=(*item.replies, reply))


def _stored(
    source: Path, result: Path, asked: Sequence[Row], prompts: Mapping[Key, list[Message]], swift: SwiftInfer
) -> dict[Key, PolicyReply] | None:
    """The replies of an earlier run of the same round, None unless they answer exactly these prompts."""
    if not source.is_file() or not result.is_file():
        return None
    try:
        if [row for _, row in read_rows(source)] != asked:
            return None
        return _replies(result, prompts, swift)
    except OrdebugError:
        return None


def _replies(result: Path, prompts: Mapping[Key, list[Message]], swift: SwiftInfer) -> dict[Key, PolicyReply]:
    rows = read_result(result, list(prompts), max_new_tokens=swift.max_new_tokens)
    for key, messages in prompts.items():
        if rows[key].prompt_sha256 != messages_sha256(messages):
            raise InputError(
                f"{result}: the reply for {key[0]!r} answers another prompt than the one that was asked.",
                "The recipe or an argument changes the messages; leave that to the renderer.",
            )
    return {key: rows[key].reply for key in prompts}


def _call(command: Sequence[str], log: Path, number: int, prompts: int) -> None:
    """Runs ``swift infer`` with its output in a log file."""
    print(f"round {number}, {prompts} prompts: {shlex.join(command)}", file=sys.stderr, flush=True)
    with log.open("w", encoding="utf-8") as file:
        try:
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
        except OSError as error:
            raise ToolError(
                f"{command[0]} could not be started ({error}).", "Install it: bash shell/setup.sh"
            ) from None
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        raise ToolError(
            f"swift infer ended with status {done.returncode}. The last lines of {log}:\n" + "\n".join(last),
            "Fix what they say and give the same command again; rounds that are complete are kept.",
        )


def _recipe(path: Path) -> dict[str, object]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({error}).", "Give a recipe for swift infer.") from None
    return found if isinstance(found, dict) else {}
