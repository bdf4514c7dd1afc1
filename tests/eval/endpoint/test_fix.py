"""``ordebug fix`` with a served model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.core.errors import ToolError, UsageError

from .conftest import Server

LP = "Minimize\n x\nSubject To\n a<think>b: x >= 9\n limit: x <= 4\nEnd\n"


def fix(file: Path, server: Server, model: str = "tiny") -> list[str]:
    out = file.parent / "out.mps"
    return ["fix", str(file), "--base-url", server.url, "--model", model, "--out", str(out), "--json"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "own.lp"
    file.write_text(LP)
    return file


def test_names_are_mapped_back(model: Path, server: Server) -> None:
    server.plan(reply="drop-first")
    done = CliRunner().invoke(app, fix(model, server))
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [change["name"] for change in found["changes"]] == ["a<think>b"]
    assert "a‹think>b" in json.dumps(server.log["bodies"][-1], ensure_ascii=False)


def test_what_a_model_says_in_vain_is_not_a_repair(model: Path, server: Server) -> None:
    server.plan(reply="I would drop the row.")
    done = CliRunner().invoke(app, [*fix(model, server), "--max-steps", "2"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "not_repaired"


def test_a_wrong_name_and_a_server_that_fails(model: Path, server: Server) -> None:
    error = CliRunner().invoke(app, fix(model, server, "large")).exception
    assert isinstance(error, UsageError) and "serves no model 'large'" in error.message
    server.plan(always="400")
    error = CliRunner().invoke(app, fix(model, server)).exception
    assert isinstance(error, ToolError)
