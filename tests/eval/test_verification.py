import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError
from ordebug.core.jsonl import write_json
from ordebug.eval.assessment import assess, rescore
from ordebug.eval.attempt import Setting
from ordebug.eval.played import PlayedRun
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.verification import verify

MakeSet = Callable[..., Path]


@pytest.fixture
def run(make_set: MakeSet, tmp_path: Path) -> RunFolder:
    rollout(Rollout("drop-last", make_set(4), tmp_path / "run", Setting()))
    return RunFolder(tmp_path / "run")


def edit_episode(run: RunFolder, edit: Callable[[dict[str, Any]], object], anchor: str | None = None) -> None:
    file = run.episodes_file(anchor)
    lines = file.read_text().splitlines()
    first = json.loads(lines[0])
    edit(first)
    file.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")


def test_an_honest_run_holds(run: RunFolder) -> None:
    assess(run, workers=1)
    found = verify(PlayedRun(run), workers=2, quality=True)
    assert found.holds and found.told == []
    assert found.episodes == 4 * 11 and found.numbers > 200 and found.repairs > 0


def test_a_better_number_is_found_out(run: RunFolder) -> None:
    metrics = run.read_metrics()
    metrics["overall"]["op"]["value"] = 0.5
    write_json(run.metrics_file, metrics)
    found = verify(PlayedRun(run), workers=1)
    assert found.differences == 1
    assert found.told[0].startswith("metrics.json: overall.op.value is 0.5, and 1.0")


@pytest.mark.parametrize("anchor", [None, "random"])
@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda episode: episode.update(objective=4.25), "objective is 4.25"),
        (lambda episode: episode.update(reward=0.77), "reward is 0.77"),
        (lambda episode: episode["steps"][0].update(outcome="shown"), "outcome is 'shown'"),
        (lambda episode: episode["steps"][0].update(messages_sha256="0"), "messages_sha256 is '0'"),
        (lambda episode: episode["steps"][0].update(reply="Action: RELAX_CONSTRAINT(need, 999)"), "step 1: action is"),
    ],
)
def test_a_changed_episode_is_found_out(
    run: RunFolder, edit: Callable[[dict[str, Any]], object], told: str, anchor: str | None
) -> None:
    edit_episode(run, edit, anchor)
    found = verify(PlayedRun(run), workers=1)
    assert not found.holds
    assert any(told in line for line in found.told)


def test_changed_measures_of_repairs_are_found_out(run: RunFolder) -> None:
    assess(run, workers=1)
    store = run.path / "quality.jsonl"
    store.write_text(store.read_text().replace('"equivalence": "different"', '"equivalence": "equivalent"'))
    rescore(PlayedRun(run))
    assert verify(PlayedRun(run), workers=1).holds
    found = verify(PlayedRun(run), workers=1, quality=True)
    assert any("equivalence is 'equivalent', and 'different' anew" in line for line in found.told)


def test_an_older_reward_is_not_compared_and_told(run: RunFolder) -> None:
    manifest = run.read_manifest()
    write_json(run.manifest_file, manifest | {"reward_version": 1})
    edit_episode(run, lambda episode: episode.update(reward=0.77))
    found = verify(PlayedRun(run), workers=1)
    assert found.holds
    assert found.unchecked == {"reward": "reward_version is 1 in the run and 2 here"}


def test_problems_elsewhere_are_named_and_must_be_the_same(run: RunFolder, make_set: MakeSet, tmp_path: Path) -> None:
    (tmp_path / "set").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="its problems are not at") as missing:
        verify(PlayedRun(run), workers=1)
    assert "--problems DIR" in str(missing.value.fix)
    assert verify(PlayedRun(run, tmp_path / "moved"), workers=1).holds
    with pytest.raises(InputError, match="differs from what was played"):
        verify(PlayedRun(run, make_set(5, "other")), workers=1)


def test_counting_again_gives_the_same_numbers(run: RunFolder) -> None:
    before = run.metrics_file.read_bytes()
    run.metrics_file.unlink()
    rescore(PlayedRun(run))
    assert run.metrics_file.read_bytes() == before


def test_numbers_of_an_older_version_are_counted_again(run: RunFolder) -> None:
    write_json(run.metrics_file, run.read_metrics() | {"version": 1, "prompts_differ": 2})
    with pytest.raises(InputError, match="version 1") as old:
        run.read_metrics()
    assert old.value.fix == f"Count its episodes again: ordebug score {run.path}"
    rescore(PlayedRun(run))
    assert run.read_metrics()["prompts_differ"] == 2


def test_repairs_are_measured_where_the_problems_have_moved(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "set").rename(tmp_path / "moved")
    measured = assess(run, workers=1, problems=tmp_path / "moved")
    assert measured["overall"]["edit_cost"]["n"] == 4
