"""The panel: which benchmarks a model is asked, how many questions of each, and with which sampling."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ordebug.core.errors import InputError, existing_file
from ordebug.core.manifest import sha256_file, sha256_text

DEFAULT_PANEL = Path(__file__).with_name("panel.yaml")
LOCAL = "local_path"


class Benchmark(BaseModel):
    """One benchmark of EvalScope, by its name there.

    Attributes:
        metric: Which of its scores of a question counts, a share in [0, 1].
        limit: Questions of each subset; the first ones.
        arguments: ``--dataset-args`` of EvalScope, such as ``few_shot_num``, ``subset_list`` or ``local_path``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    limit: int = Field(ge=1)
    arguments: dict[str, Any] = {}


class Panel(BaseModel):
    """What is asked, the same before and after.

    Attributes:
        threshold: The loss, as a share, that a model may not be shown to exceed.
        concurrency: Requests in flight.
        generation: ``--generation-config`` of EvalScope.
        filters: EvalScope's filters on every reply before it is graded.
        benchmarks: By EvalScope's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(ge=0, lt=1)
    concurrency: int = Field(ge=1)
    generation: dict[str, Any]
    filters: dict[str, Any]
    benchmarks: dict[str, Benchmark] = Field(min_length=1)

    def asked(self, name: str) -> dict[str, Any]:
        """All that decides what is asked in one benchmark and how it is graded; two sides must agree in it."""
        found = self.benchmarks[name].model_dump()
        if LOCAL in found["arguments"]:
            found["arguments"][LOCAL] = _data_sha256(
                Path(found["arguments"][LOCAL])
            )  # what it holds, not where it lies
        return {**found, "generation": self.generation, "filters": self.filters}

    def arguments(self, name: str) -> list[str]:
        """Of ``evalscope eval``, for one benchmark: its limit is one for all that a call evaluates."""
        benchmark = self.benchmarks[name]
        arguments = {name: {"filters": self.filters, **benchmark.arguments}}
        return [
            *("--datasets", name, "--limit", str(benchmark.limit), "--dataset-args", json.dumps(arguments)),
            *("--generation-config", json.dumps(self.generation), "--eval-batch-size", str(self.concurrency)),
        ]


def read_panel(path: Path) -> Panel:
    """A panel from YAML; a relative ``local_path`` in it counts from its folder.

    Raises:
        InputError: If it is missing, not YAML, or not a panel.
    """
    try:
        found = yaml.safe_load(existing_file(path, "a panel").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({error}).", f"Begin with a copy of {DEFAULT_PANEL}.") from None
    try:
        panel = Panel.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {place}: {first['msg']}.", f"Compare it with {DEFAULT_PANEL}.") from None
    for benchmark in panel.benchmarks.values():
        if LOCAL in benchmark.arguments:
            benchmark.arguments[LOCAL] = str((path.parent / str(benchmark.arguments[LOCAL])).resolve())
            if not Path(benchmark.arguments[LOCAL]).is_dir():
                raise InputError(f"{benchmark.arguments[LOCAL]} is no folder.", f"Correct {LOCAL} in {path}.")
    return panel


def _data_sha256(folder: Path) -> str:
    """One digest over the files of a folder, each name and its bytes."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sha256_text("\n".join(f"{name} {sha256_file(folder / name)}" for name in names))
