import json
from pathlib import Path

import pytest

from ordebug.core.errors import InputError
from ordebug.eval.forgetting.panel import DEFAULT_PANEL, read_panel

LOCAL = """
threshold: 0.02
concurrency: 2
generation: {temperature: 0}
filters: {remove_until: "</think>"}
benchmarks: {general_qa: {metric: Rouge-L-R, limit: 4, arguments: {local_path: data}}}
"""


def test_the_panel_grades_what_follows_the_thought() -> None:
    panel = read_panel(DEFAULT_PANEL)
    assert set(panel.benchmarks) == {"ifeval", "gsm8k", "mmlu_pro"}
    for name in panel.benchmarks:
        given = panel.arguments(name)
        arguments = json.loads(given[given.index("--dataset-args") + 1])
        assert arguments[name]["filters"] == {"remove_until": "</think>"}


def test_data_counts_from_the_panel_and_is_told_by_what_it_holds(tmp_path: Path) -> None:
    asked = []
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "data" / "q.jsonl").write_text(text)
        (tmp_path / name / "panel.yaml").write_text(LOCAL)
        panel = read_panel(tmp_path / name / "panel.yaml")
        assert str(tmp_path / name / "data") in " ".join(panel.arguments("general_qa"))
        asked.append(panel.asked("general_qa"))
    assert asked[0] == asked[1] != asked[2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "panel.yaml: the file"),
        ("[1", "not YAML"),
        ("\x00", "not YAML"),
        (LOCAL, "data is no folder"),
        (LOCAL.replace("threshold: 0.02", "threshold: 2"), "threshold"),
        (LOCAL.replace("limit: 4", "limit: 0"), r"benchmarks\.general_qa\.limit"),
        (LOCAL.replace("limit: 4", "limits: 4"), r"benchmarks\.general_qa\.limit"),
        (LOCAL.split("benchmarks")[0] + "benchmarks: {}", "benchmarks"),
    ],
)
def test_a_panel_of_something_else_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "panel.yaml").write_text(text)
    with pytest.raises(InputError, match=told):
        read_panel(tmp_path / "panel.yaml")


def test_a_missing_panel_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_panel(tmp_path / "panel.yaml")
