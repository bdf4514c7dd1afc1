"""What this machine is and has, found without importing what it asks about, and without failing where it is odd."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, distributions, requires, version
from pathlib import Path

GIB = 2**30
ROOT = Path(__file__).resolve().parents[1]
"""The repository, where it is installed from one."""
VLLM_CPU = ".venv-vllm"
"""Where ``shell/setup_vllm_cpu.sh`` installs, and ``shell/deploy.sh`` looks where there is no GPU."""
DRIVER = 580
"""The least NVIDIA driver for CUDA 13, which torch 2.13.0 brings (NVIDIA, CUDA 13 release notes)."""

LICENCE = """
from ordebug.core.errors import SolverError
from ordebug.env.solvers.gurobi_environment import size_is_limited
try:
    print("small" if size_is_limited() else "whole")
except SolverError as error:
    print("none:", error.message)
"""


@dataclass(frozen=True)
class GPU:
    """One NVIDIA GPU.

    Attributes:
        name: As the driver says.
        gib: Memory.
        driver: The driver's first number, 0 where it cannot be read.
    """

    name: str
    gib: float
    driver: int


@dataclass(frozen=True)
class Gurobi:
    """The solver's licence.

    Attributes:
        works: Whether a model may be solved.
        limited: Whether only small ones: 2,000 variables, 2,000 rows, as with the licence that pip brings.
        said: What it is, or what is wrong.
    """

    works: bool
    limited: bool
    said: str


def installed(package: str) -> str | None:
    """The version of a package, None where it is absent."""
    try:
        return version(package)
    except (PackageNotFoundError, ValueError, OSError):
        return None


def torch_cuda() -> str | None:
    """The CUDA that torch was built for, None for a CPU build: either may go by the bare version, as on PyPI."""
    try:
        built = Path(str(distribution("torch").locate_file("torch/version.py"))).read_text(encoding="utf-8")
    except (PackageNotFoundError, OSError, ValueError):
        return None
    found = re.search(r"""^cuda\b[^=]*=\s*['"]([\d.]+)""", built, re.MULTILINE)
    return found[1] if found else None


def vllm_on_cpu() -> str | None:
    """The vLLM that serves without a GPU, as ``vllm-cpu 0.32.0``; None where ``shell/deploy.sh`` would find none."""
    folder = ROOT / VLLM_CPU
    if not os.access(folder / "bin" / "vllm", os.X_OK):
        return None
    sites = [str(site) for site in folder.glob("lib/python3*/site-packages")]
    found = {each.name: each.version for each in distributions(path=sites)}
    return next((f"{name} {found[name]}" for name in ("vllm-cpu", "vllm") if name in found), "of no known version")


def wanted(extras: tuple[str, ...]) -> list[str]:
    """What ordebug declares to need, with some of its extras: requirements such as ``ms-swift==4.6.0``."""
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(text) for text in requires("ordebug") or ()]
    except PackageNotFoundError:
        return []
    return [
        f"{each.name}{each.specifier}"
        for each in declared
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def unmet(requirements: list[str]) -> list[str]:
    """Those that are not installed, or in another version."""
    from packaging.requirements import Requirement

    found = []
    for text in requirements:
        requirement = Requirement(text)
        have = installed(requirement.name)
        if have is None or not requirement.specifier.contains(have, prereleases=True):
            found.append(text)
    return found


def gpus() -> list[GPU]:
    """The NVIDIA GPUs, none where there is no driver."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    return [gpu for line in _output(query).splitlines() if (gpu := _gpu(line))]


def _gpu(line: str) -> GPU | None:
    name, *numbers = (part.strip() for part in line.split(","))
    if len(numbers) != 2:
        return None
    memory, driver = (number.partition(".")[0] for number in numbers)
    return GPU(name, int(memory) / 1024 if memory.isdigit() else 0.0, int(driver) if driver.isdigit() else 0)


def gurobi() -> Gurobi:
    """Whether Gurobi works here and how large its models may be; tried in a process of its own."""
    if installed("gurobipy") is None:
        return Gurobi(False, False, "gurobipy is not installed")
    said = (_output([sys.executable, "-c", LICENCE], seconds=10).strip().splitlines() or [""])[-1]
    if said == "whole":
        return Gurobi(True, False, f"{installed('gurobipy')}, models of any size")
    if said == "small":
        return Gurobi(
            True, True, f"{installed('gurobipy')}, at most 2,000 variables and 2,000 rows; HiGHS takes larger ones"
        )
    return Gurobi(False, False, said.removeprefix("none: ") or "gurobipy gave no answer within 10 s")


def memory_gib() -> float | None:
    """The machine's memory, None where the system does not say."""
    return _number(lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB)


def free_gib(path: Path) -> float | None:
    """Free space where a path lies, None where the system does not say."""
    return _number(lambda: shutil.disk_usage(path).free / GIB)


def system() -> str:
    """Python and the system in words."""
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def reachable(url: str, seconds: float = 5) -> bool:
    """Whether a web address answers at all."""
    import httpx

    try:
        return httpx.head(url, timeout=seconds, follow_redirects=True).status_code < 500
    except (httpx.HTTPError, OSError, ValueError):
        return False


def _number(ask: Callable[[], float]) -> float | None:
    try:
        return round(ask(), 1)
    except (OSError, ValueError, AttributeError):
        return None


def _output(command: list[str], seconds: float = 5) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
