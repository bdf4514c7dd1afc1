"""The folder of a training run, and what exactly produces it, written before ``swift`` starts.

ms-swift names the folder of a run itself, ``v0-20260131-120000`` inside ``--output_dir``, once it has loaded what it
needs. It is named here instead, by the same rule, so that the manifest lies there even if the run is killed.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal

from ordebug.core.errors import UsageError
from ordebug.core.jsonl import read_json, write_json
from ordebug.core.manifest import MANIFEST, manifest, sha256_text, weights_sha256
from ordebug.swift_recipes.catalogue import Recipe, as_words, find_recipe
from ordebug.swift_recipes.hubs import HubName
from ordebug.swift_recipes.weights import NOT_HERE, fetch_missing, folder_of

Trainer = Literal["sft", "rlhf"]

ENVIRONMENT = (
    "NPROC_PER_NODE",
    "CUDA_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "DS_ACCELERATOR",
    "HF_HUB_OFFLINE",
    "OMP_NUM_THREADS",
    "PYTORCH_CUDA_ALLOC_CONF",
    "USE_HF",
)
"""Recorded beside what the recipe exports. A closed list: an environment holds secrets too."""

SECRET = re.compile(r"(_token|api_key)$")
MODELS = ("model", "ref_model", "adapters")
"""Arguments that name weights, in a folder or on a hub."""
FOLDERS = (*MODELS, "resume_from_checkpoint")
"""Arguments that may name a folder of weights."""

TRUE = ("true", "t", "yes", "y", "1")


@dataclass(frozen=True)
class TrainingRun:
    """One call of a trainer of ms-swift.

    Attributes:
        trainer: The swift command.
        words: What follows it, without secrets.
        recipe: The recipe among them.
        arguments: What is in force, the words over the recipe, each as the words that swift reads.
    """

    trainer: Trainer
    words: tuple[str, ...]
    recipe: Recipe | None
    arguments: dict[str, tuple[str, ...]]

    @property
    def resumes(self) -> bool:
        """Whether it goes on from another run's checkpoint."""
        return "resume_from_checkpoint" in self.arguments

    def value(self, key: str, default: str) -> str:
        """An argument's text."""
        return " ".join(self.arguments.get(key, (default,)))

    def folder(self, now: datetime) -> Path:
        """Where ms-swift 4.6.0 would put it (``swift/utils/utils.py``, ``add_version_to_work_dir``)."""
        model = Path(self.value("model", "model")).name
        out = Path(self.value("output_dir", f"output/{model}")).absolute()
        if self.value("add_version", "true").lower() not in TRUE:
            return out
        names = [path.name for path in out.iterdir()] if out.is_dir() else []
        taken = [int(found[1]) for name in names if (found := re.match(r"v(\d+)", name))]
        return out / f"v{max(taken, default=-1) + 1}-{now:%Y%m%d-%H%M%S}"

    def manifest(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """Command, recipe, arguments, seeds, digests of data and weights, versions and machine.

        Args:
            environment: The process's; what it sets wins over the recipe.
        """
        exported = {key: str(value) for key, value in (self.recipe.env if self.recipe else {}).items()}
        names = sorted({*ENVIRONMENT, *exported})
        return manifest(
            {key: " ".join(value) for key, value in sorted(self.arguments.items())},
            dict(self._files()),
            command=shlex.join(["swift", self.trainer, *self.words]),
            environment={name: environment.get(name, exported.get(name)) for name in names},
            recipe=_recipe_text(self.recipe) if self.recipe else None,
            seeds={key: self.value(key, "42") for key in ("seed", "data_seed")},
            weights=self._weights(environment),
            packages=packages(),
        )

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Files that arguments name: data, plugins, DeepSpeed's settings."""
        for key, value in self.arguments.items():
            for number, word in enumerate(value, start=1):
                path = Path(re.sub(r"#\d+$", "", word))  # FILE#500: ms-swift takes 500 rows of it
                if len(word) < 4096 and path.is_file():
                    yield (key if len(value) == 1 else f"{key} {number}"), path

    def hub(self, environment: Mapping[str, str]) -> HubName:
        """Where ms-swift fetches models from."""
        return "hf" if self.value("use_hf", environment.get("USE_HF", "0")).lower() in TRUE else "modelscope"

    def fetch_models(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Fetches the models that are not here yet; returns why, for those that cannot be."""
        return fetch_missing(self._words(MODELS), self.hub(environment), self._revision)

    def _weights(self, environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
        hub = self.hub(environment)
        return {word: weights_sha256(folder_of(word, hub, self._revision)) for word in self._words(FOLDERS)}

    @property
    def _revision(self) -> str | None:
        return self.value("model_revision", "") or None

    def _words(self, keys: Sequence[str]) -> list[str]:
        return [word for key in keys for word in self.arguments.get(key, ())]


def training_run(trainer: Trainer, words: Sequence[str]) -> TrainingRun:
    """Reads the words behind ``swift sft`` or ``swift rlhf`` as ms-swift does.

    The recipe among them may be given by its name too; swift itself wants the file.

    Raises:
        UsageError: If they begin with a recipe that does not exist, or is no file.
        InputError: If that is no recipe.
    """
    recipe = _recipe(trainer, words[0]) if words and not words[0].startswith("--") else None
    arguments = {key: tuple(as_words(value)) for key, value in recipe.values.items()} if recipe else {}
    kept = [str(recipe.path)] if recipe else []
    given: dict[str, list[str]] = {}
    for key, word in by_key(words[1:] if recipe else words):
        kept.append(word)
        if word.startswith("--"):
            given[key] = []
        else:
            given.setdefault(key, []).append(word)
    return TrainingRun(trainer, tuple(kept), recipe, arguments | {key: tuple(value) for key, value in given.items()})


def begin(
    run: TrainingRun, environment: Mapping[str, str], now: datetime, unfetched: Mapping[str, str] | None = None
) -> Path:
    """Makes the run's folder with its manifest, and returns it.

    A run that resumes within one folder keeps the earlier manifest inside the new one.

    Args:
        run: The call.
        environment: The process's.
        now: When it begins.
        unfetched: Why models could not be fetched, which the manifest repeats where it has no digests of their weights.

    Raises:
        UsageError: If the folder holds another run.
    """
    folder = run.folder(now)
    file = folder / MANIFEST
    earlier = read_json(file, "a manifest") if file.is_file() else None
    if earlier is not None and not run.resumes:
        raise UsageError(
            f"{folder} holds a run already.",
            "Give another --output_dir, go on with --resume_from_checkpoint CHECKPOINT, or delete it.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    found = run.manifest(environment) | {"started": now.isoformat(timespec="seconds")}
    without = [name for name, files in found["weights"].items() if not files]
    if without:
        found["weights_missing"] = {name: (unfetched or {}).get(name, NOT_HERE) for name in without}
    write_json(file, found if earlier is None else found | {"earlier": earlier})
    return folder


def packages() -> dict[str, str]:
    """Every installed package and its version."""
    found = {(each.metadata["Name"] or "").lower(): each.version for each in distributions()}
    return dict(sorted((name, version) for name, version in found.items() if name))


def by_key(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each word with the argument it belongs to; ``--key=value`` is two words, a secret is not shown."""
    key = ""
    for word in words:
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            key = option.removeprefix("--").replace("-", "_")
            yield key, option
            if not equals:
                continue
            word = value
        yield key, "..." if SECRET.search(key) else word


def _recipe(trainer: Trainer, name: str) -> Recipe:
    found = find_recipe(name, trainer)
    if found.text != found.path.read_text(encoding="utf-8"):
        raise UsageError(f"{name} is no file.", f"Make one: ordebug recipes show {name} --yaml >my.yaml")
    return found


def _recipe_text(recipe: Recipe) -> dict[str, str]:
    text = recipe.path.read_text(encoding="utf-8")
    return {"name": recipe.name, "sha256": sha256_text(text), "text": text}
