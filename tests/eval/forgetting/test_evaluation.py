"""A program that stands in for EvalScope's: the real one is run in ``tests/e2e/test_forgetting.py``."""

from pathlib import Path

import pytest

from ordebug.core.errors import ToolError, UsageError
from ordebug.eval.forgetting.evaluation import evaluate
from ordebug.eval.forgetting.panel import DEFAULT_PANEL, Panel, read_panel

PROGRAM = """#!/bin/sh
if [ "$1" = --version ]; then echo evalscope 1.14.1; exit; fi
while [ $# -gt 0 ]; do
  case "$1" in --datasets) name=$2 ;; --work-dir|--use-cache) how=$1 folder=$2 ;; esac
  shift
done
echo "$name $how" >> "{folder}/calls"
mkdir -p "$folder/reports/model"
{body}
echo '{{}}' > "$folder/reports/model/$name.json"
"""
URL = "http://127.0.0.1:1/v1"


def program(folder: Path, body: str = "") -> Path:
    path = folder / "evalscope"
    path.write_text(PROGRAM.format(folder=folder, body=body))
    path.chmod(0o755)
    return path


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


@pytest.fixture
def panel() -> Panel:
    return read_panel(DEFAULT_PANEL)


def test_each_benchmark_is_asked_once_and_goes_on_where_it_stopped(tmp_path: Path, panel: Panel) -> None:
    stops = program(tmp_path, '[ $name != gsm8k ] || { echo "no data"; exit 3; }')
    with pytest.raises(ToolError, match=r"status 3 before gsm8k was finished(.|\n)*no data"):
        evaluate(panel, "m", URL, tmp_path / "out", stops)
    evaluate(panel, "m", URL, tmp_path / "out", program(tmp_path))
    evaluate(panel, "m", URL, tmp_path / "out", program(tmp_path))
    assert calls(tmp_path) == ["ifeval --work-dir", "gsm8k --work-dir", "gsm8k --use-cache", "mmlu_pro --work-dir"]


def test_an_end_without_a_result_is_told(tmp_path: Path, panel: Panel) -> None:
    with pytest.raises(ToolError, match="status 0 before ifeval was finished"):
        evaluate(panel, "m", URL, tmp_path / "out", program(tmp_path, "exit 0"))


def test_no_program_is_told(tmp_path: Path, panel: Panel) -> None:
    with pytest.raises(ToolError, match="could not be started"):
        evaluate(panel, "m", URL, tmp_path / "out", tmp_path / "evalscope")


def test_a_folder_of_another_model_or_other_weights_is_refused(tmp_path: Path, panel: Panel) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_text("one")
    evaluate(panel, str(model), URL, tmp_path / "out", program(tmp_path))
    with pytest.raises(UsageError, match="another model"):
        evaluate(panel, "n", URL, tmp_path / "out", program(tmp_path))
    (model / "model.safetensors").write_text("two")
    with pytest.raises(UsageError, match="another weights"):
        evaluate(panel, str(model), URL, tmp_path / "out", program(tmp_path))
    other = panel.model_copy(update={"generation": {}})
    with pytest.raises(UsageError, match="weights, panel"):
        evaluate(other, str(model), URL, tmp_path / "out", program(tmp_path))
