"""Models and data sets from ModelScope or Hugging Face, by each hub's own command."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ordebug.core.errors import ToolError, UsageError
from ordebug.swift_recipes.arguments import NO_SUCH
from ordebug.swift_recipes.machine import reachable

HubName = Literal["modelscope", "hf"]
STDERR = 2
NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class Hub:
    """A hub.

    Attributes:
        title: What it is called.
        command: Its program.
        package: The package that brings the program.
        url: Where it answers.
        mirror: The environment variable that names another address.
        before: What ms-swift needs in its environment to look there.
    """

    title: str
    command: str
    package: str
    url: str
    mirror: str
    before: str


HUBS: dict[HubName, Hub] = {
    "modelscope": Hub("ModelScope", "modelscope", "modelscope", "https://www.modelscope.cn", "MODELSCOPE_DOMAIN", ""),
    "hf": Hub("Hugging Face", "hf", "huggingface_hub", "https://huggingface.co", "HF_ENDPOINT", "USE_HF=1 "),
}


def fetch_command(hub: HubName, name: str, data_to: Path | None = None, revision: str | None = None) -> list[str]:
    """The command that fetches a model into the hub's cache, where ms-swift looks, or a data set into a folder.

    Raises:
        UsageError: If the name is none of a repository.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a repository.", "Give owner/name, such as Qwen/Qwen3-8B.")
    if data_to is None and name in NO_SUCH:
        raise UsageError(f"{name} does not exist.", NO_SUCH[name].strip())
    where = ["--repo-type", "dataset", "--local-dir", str(data_to)] if data_to else []
    return [HUBS[hub].command, "download", name, *where, *(["--revision", revision] if revision else [])]


def fetch(hub: HubName, name: str, data_to: Path | None = None, revision: str | None = None) -> str:
    """Fetches, and says what was done; what is there already is not fetched again.

    Raises:
        UsageError: If the name is none of a repository.
        ToolError: If the hub's program is missing, the hub does not answer, or it refuses.
    """
    chosen, command = HUBS[hub], fetch_command(hub, name, data_to, revision)
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    program = shutil.which(chosen.command, path=places)
    if program is None:
        raise ToolError(f"there is no program '{chosen.command}'.", f"pip install {chosen.package}")
    mirror = os.environ.get(chosen.mirror)
    url = mirror if mirror and "://" in mirror else f"https://{mirror}" if mirror else chosen.url
    if not reachable(url):
        other = next(each for each in HUBS if each != hub)
        raise ToolError(
            f"{chosen.title} does not answer at {url}.",
            f"Try --hub {other}, name a mirror in {chosen.mirror}, or copy the files here and give their folder.",
        )
    print(f"+ {shlex.join(command)}", file=sys.stderr, flush=True)
    # to stderr: a script may read what ordebug itself prints
    status = subprocess.run([program, *command[1:]], stdout=STDERR, check=False).returncode
    if status:
        raise ToolError(f"{shlex.join(command)} failed with status {status}.", "Above is what it said; run it again.")
    if data_to:
        return f"{name} lies in {data_to}"
    return f"{name} is fetched; train with: {chosen.before}bash shell/sft.sh RECIPE --model {name} ..."
