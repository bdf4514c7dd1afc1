"""The README's first command, as a stranger gives it, and what it promises."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT = (
    "manifest.json",
    "episodes.jsonl",
    "metrics.json",
    "report.html",
    "unseen/problems.jsonl",
    "train/problems.jsonl",
    "train.jsonl",
    "sft/last-checkpoint/model.safetensors",
)


def quickstart(out: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "shell/quickstart.sh", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "OUT": str(out), **env}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("job") / "quickstart"
    done = quickstart(out)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out


def ids(path: Path, field: str) -> set[str]:
    return {str(json.loads(line)[field]) for line in path.read_text().splitlines()}


def test_it_leaves_what_it_says(run: Path) -> None:
    assert [name for name in LEFT if not (run / name).is_file()] == []
    assert json.loads((run / "manifest.json").read_text())["versions"]["ms-swift"] == "4.6.0"


def test_it_learned_to_answer_and_to_find_the_cause(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    overall = metrics["overall"]
    assert overall["root_cause_at_1"]["n"] >= 100 and metrics["errors"] == 0
    assert overall["action_valid"]["value"] >= 0.98
    assert overall["target_exists"]["value"] >= 0.95
    for anchor in ("random", "drop-first", "drop-last"):
        assert metrics["paired"][anchor]["root_cause_at_1"]["low"] > 0, anchor


def test_nothing_unseen_was_trained_on(run: Path) -> None:
    train, unseen = (ids(run / part / "problems.jsonl", "base_id") for part in ("train", "unseen"))
    assert train.isdisjoint(unseen)
    families = ids(run / "new-family/problems/problems.jsonl", "family")
    assert families.isdisjoint(ids(run / "train/problems.jsonl", "family"))
    assert (run / "new-family/metrics.json").is_file()


def test_a_second_run_reuses_what_is_there(run: Path) -> None:
    kept = {name: (run / name).stat().st_mtime_ns for name in ("train.jsonl", "sft/last-checkpoint/model.safetensors")}
    episodes = (run / "episodes.jsonl").read_text()
    done = quickstart(run)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {name: (run / name).stat().st_mtime_ns for name in kept} == kept
    assert (run / "episodes.jsonl").read_text() == episodes


def test_other_settings_move_the_old_run_aside(tmp_path: Path) -> None:
    out = tmp_path / "quickstart"
    out.mkdir()
    (out / "settings").write_text("mode=full\n")
    (out / "note").write_text("mine")
    rows = tmp_path / "rows.json"
    rows.write_text("no rows")
    done = quickstart(out, DATA=str(rows), PROBLEMS="none")
    assert done.returncode == 2 and "rows.json: JSON that starts with 'n', not rows" in done.stderr
    aside = [path for path in tmp_path.iterdir() if path.name.startswith("quickstart-full-")]
    assert [(path / "note").read_text() for path in aside] == ["mine"]


@pytest.mark.parametrize("script", ["setup.sh", "sft.sh", "infer.sh", "merge.sh", "quickstart.sh", "test.sh"])
def test_every_script_has_help(script: str) -> None:
    done = subprocess.run(["bash", f"shell/{script}", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: bash shell/{script}")


def test_data_without_problems_says_what_is_missing(tmp_path: Path) -> None:
    done = quickstart(tmp_path / "out", DATA="rows.json", PROBLEMS="")
    assert done.returncode == 2 and "PROBLEMS" in done.stderr


def test_data_that_is_not_there_is_named_and_nothing_is_touched(tmp_path: Path) -> None:
    done = quickstart(tmp_path / "out", DATA="none.json", PROBLEMS="none")
    assert done.returncode == 2 and "none.json does not exist" in done.stderr
    assert not (tmp_path / "out").exists()


def test_grpo_goes_on_from_it(run: Path) -> None:
    """The gate, prompts that the model neither always nor never solves, groups that differ, and a paired comparison."""
    done = quickstart(run, "--grpo", GRPO_PROBLEMS="80", GRPO_UNSEEN="40", GRPO_STEPS="3")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads((run / "grpo/samples/gate.json").read_text())["version"] == 1
    prompts = [json.loads(line) for line in (run / "grpo/grpo.jsonl").read_text().splitlines()]
    assert prompts and all(0 < row["pass_rate"] < 1 for row in prompts)
    steps = [json.loads(line) for line in (run / "grpo/grpo/logging.jsonl").read_text().splitlines()]
    spread = [row["rewards/OrdebugOutcome/std"] for row in steps if "reward" in row]
    assert len(spread) == 3 and min(spread) > 0
    assert (run / "grpo/grpo/last-checkpoint/model.safetensors").is_file()
    assert "root-cause@1" in done.stdout.rpartition("ordebug compare")[2]
    again = quickstart(run, "--grpo", GRPO_PROBLEMS="80", GRPO_UNSEEN="40", GRPO_STEPS="3")
    assert again.returncode == 0 and "step 3/3" not in again.stdout
    other = quickstart(run, "--grpo", GRPO_PROBLEMS="80", GRPO_UNSEEN="40", GRPO_STEPS="4")
    assert other.returncode == 2 and "other settings" in other.stderr
