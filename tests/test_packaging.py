"""The package is what the folders are."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("cli", "converters", "core", "env", "eval", "swift_recipes")


def project() -> dict[str, dict[str, list[str]]]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return document["tool"]  # type: ignore[no-any-return]


def test_declared_packages_are_the_folders() -> None:
    found = {
        "ordebug." + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert found == set(project()["setuptools"]["packages"])


def test_git_ignores_no_source_file() -> None:
    files = [str(path) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    # --no-index: files that git tracks already are asked about too
    command = ["git", "-C", str(ROOT), "check-ignore", "--no-index", *files]
    ignored = subprocess.run(command, capture_output=True, text=True)
    assert files and (ignored.returncode, ignored.stdout) == (1, ""), ignored.stdout + ignored.stderr


def test_typing_links_lead_to_the_folders() -> None:
    for folder in FOLDERS:
        assert (ROOT / ".typing" / "ordebug" / folder).resolve() == ROOT / folder


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from ordebug.cli.main import app\n"
        "from typer.testing import CliRunner\n"
        "assert 'rollout' in CliRunner().invoke(app, ['--help']).output\n"
        "heavy = {'torch', 'swift', 'gurobipy', 'pandas', 'scipy', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_no_function_prints_a_traceback_away() -> None:
    """No ``except: pass`` hides a failure."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ExceptHandler):
                    assert node.type is not None and not isinstance(node.body[0], ast.Pass), f"{path}:{node.lineno}"
