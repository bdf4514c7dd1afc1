import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from ordebug.cli.main import main
from ordebug.core.errors import ToolError, UsageError
from ordebug.core.jsonl import read_rows
from ordebug.env.problem_set import read_problem_set
from ordebug.env.renderer import messages_sha256
from ordebug.env.repair_env import Rules
from ordebug.eval import isolation
from ordebug.eval.attempt import PolicyReply, Replay, Setting, replay
from ordebug.eval.endpoint import client
from ordebug.eval.endpoint.environments import _Desk
from ordebug.eval.endpoint.settings import Limits, Sampling
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]
Play = Callable[..., dict[str, Any]]
SETTING = Setting(rules=Rules(max_steps=3))


class Server(Protocol):
    """``Server`` of conftest.py."""

    url: str
    log: dict[str, Any]
    process: subprocess.Popen[bytes]

    def plan(self, **what: Any) -> None: ...

    def stop(self) -> None: ...


def rows(file: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(file)]


def decisions(out: Path) -> dict[tuple[str, int], Any]:
    """What does not depend on the clock, by problem and sample; each stands once."""
    found = {}
    for row in rows(out / "episodes.jsonl"):
        key = row["problem_id"], row["sample"]
        assert key not in found, f"{key} stands twice"
        found[key] = row["stop"], [(step["messages_sha256"], step["reply"], step["outcome"]) for step in row["steps"]]
    return found


def values(metrics: dict[str, Any]) -> dict[str, float | None]:
    return {name: cell["value"] for name, cell in metrics["overall"].items()}


def test_a_served_policy_is_scored_beside_the_anchors(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    metrics = play(make_set(4), out)
    found = values(metrics)
    assert (metrics["policy"], metrics["episodes"], metrics["errors"]) == ("endpoint", 4, 0)
    # it drops the last row of (limit, need): the one at fault
    assert (found["rr_at_1"], found["root_cause_at_1"], found["op"], found["think_valid"]) == (1.0, 1.0, 1.0, 1.0)
    assert (found["tokens"], found["steps"]) == (12.0, 1.0)
    assert metrics["anchors"]["drop-last"]["root_cause_at_1"]["value"] == 1.0
    step = rows(out / "episodes.jsonl")[0]["steps"][0]
    assert step["prompt_tokens"] == 100 and step["reply_seconds"] > 0 and step["seconds"] > 0
    assert rows(out / "episodes.jsonl")[0]["seconds"] > step["reply_seconds"]
    assert not (out / "replies.jsonl").exists()


def test_prompts_are_those_of_the_one_renderer(play: Play, server: Server, make_set: MakeSet, tmp_path: Path) -> None:
    server.plan(reply="Action: GET_IIS()")
    problems = make_set(2)
    play(problems, tmp_path / "run")
    loaded = read_problem_set(problems)
    sent = {messages_sha256(body["messages"]) for body in server.log["bodies"]}
    for row in rows(tmp_path / "run/episodes.jsonl"):
        replies: list[PolicyReply] = []
        assert row["stop"] == "max_steps" and len(row["steps"]) == 3
        for step in row["steps"]:
            item = Replay(loaded.get(row["problem_id"]), loaded.folder, SETTING, "endpoint", replies=replies)
            shown = messages_sha256(replay(item)[0])
            assert step["messages_sha256"] == shown and shown in sent
            replies.append(PolicyReply(step["reply"]))


def test_replies_depend_neither_on_concurrency_nor_on_workers(play: Play, make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(6)
    play(problems, tmp_path / "one", concurrency=1, samples=2)
    play(problems, tmp_path / "many", concurrency=12, workers=2, samples=2)
    assert decisions(tmp_path / "one") == decisions(tmp_path / "many")


def test_samples_have_seeds_of_their_own_and_give_pass_at_k(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path
) -> None:
    metrics = play(make_set(3), tmp_path / "run", samples=4, seed=5)
    assert metrics["episodes"] == 12 and metrics["overall"]["pass_at_4"]["n"] == 3
    seeds = [body["seed"] for body in server.log["bodies"]]
    assert len(set(seeds)) == 12
    server.plan()
    play(make_set(3), tmp_path / "again", samples=4, seed=5)
    assert sorted(body["seed"] for body in server.log["bodies"]) == sorted(seeds)


def test_many_are_in_flight(play: Play, server: Server, make_set: MakeSet, tmp_path: Path) -> None:
    server.plan(seconds=0.3)
    play(make_set(4), tmp_path / "run", samples=8, concurrency=24)
    assert 16 <= server.log["most_at_once"] <= 24


@pytest.mark.parametrize("form", ["reasoning_content", "reasoning", "tool"])
def test_a_server_that_takes_replies_apart_changes_nothing(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path, form: str
) -> None:
    problems = make_set(2)
    whole = values(play(problems, tmp_path / "whole"))
    server.plan(always=form)
    assert values(play(problems, tmp_path / "apart")) == whole
    if form != "tool":
        assert decisions(tmp_path / "apart") == decisions(tmp_path / "whole")


def test_a_reply_that_was_cut_off_is_truncated(play: Play, server: Server, make_set: MakeSet, tmp_path: Path) -> None:
    server.plan(always="length")
    found = values(play(make_set(2), tmp_path / "run"))
    assert (found["think_truncated"], found["action_valid"]) == (1.0, 0.0)
    assert {stop for stop, _ in decisions(tmp_path / "run").values()} == {"truncated"}


# --- faults ---


def test_faults_at_random_lose_nothing_and_change_nothing(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path
) -> None:
    problems = make_set(6)
    play(problems, tmp_path / "calm", samples=4)
    server.plan(share=0.4, slow_seconds=2.5)
    metrics = play(problems, tmp_path / "storm", samples=4, concurrency=24, timeout=2.0)
    assert metrics["errors"] == 0 and len(server.log["counts"]) > 5
    assert decisions(tmp_path / "storm") == decisions(tmp_path / "calm")


def test_what_the_server_could_not_answer_is_unscored_and_played_again(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MOST_FAILURES", 100)
    problems, out = make_set(4), tmp_path / "run"
    server.plan(reply="Action: GET_IIS()", share=1.0, faults=["400"], in_a_row=1)  # each request fails once
    metrics = play(problems, out)
    assert (metrics["errors"], metrics["overall"]["steps"]["n"]) == (4, 0)
    assert all("status 400" in row["error"] and row["steps"] == [] for row in rows(out / "episodes.jsonl"))
    counts = [play(problems, out)["errors"] for _ in range(3)]
    assert counts == [4, 4, 0]  # a step further each time
    assert set(server.log["answered"]) == {1} and len(server.log["answered"]) == 12
    stops = Counter(row["stop"] for row in rows(out / "episodes.jsonl"))
    assert stops == {"error": 12, "max_steps": 4}
    assert len(RunFolder(out).episodes()) == 4 and not (out / "replies.jsonl").exists()


def test_a_server_that_fails_at_everything_stops_the_run(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path
) -> None:
    problems, out = make_set(6), tmp_path / "run"
    server.plan(always="500")
    with pytest.raises(ToolError, match="failed at 20 requests in a row"):
        play(problems, out, samples=50, patience=0.05, concurrency=8)
    assert len(rows(out / "episodes.jsonl")) < 40
    server.plan()
    assert play(problems, out, samples=50)["errors"] == 0
    assert len(RunFolder(out).episodes()) == 300


def test_a_server_that_dies_and_comes_back(
    new_server: Callable[[], Any], play: Play, make_set: MakeSet, tmp_path: Path
) -> None:
    problems, out = make_set(6), tmp_path / "run"
    first = new_server()
    first.plan(reply="Action: GET_IIS()", dies_after=30, seconds=0.01)
    with pytest.raises(ToolError, match="in a row") as error:
        play(problems, out, base_url=first.url, samples=8, patience=0.05, concurrency=24)
    assert "same command again" in error.value.fix
    second = new_server()
    second.plan(reply="Action: GET_IIS()")
    metrics = play(problems, out, base_url=second.url, samples=8)
    assert (metrics["errors"], metrics["episodes"]) == (0, 48)
    # three steps each, less what had been answered; the 24 in flight as the server died may be either
    assert abs(second.log["counts"]["requests"] - (48 * 3 - 30)) <= 24


def test_a_worker_that_is_killed_costs_one_episode(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems, out = make_set(4), tmp_path / "run"
    server.plan(seconds=0.2)
    killed: list[int] = []
    answer = _Desk._answer

    async def killing(self: Any, item: Replay) -> Any:
        if item.replies and not killed:
            killed.append(self._worker.process.pid)
            os.kill(killed[0], signal.SIGSTOP)
            threading.Timer(0.2, os.kill, (killed[0], signal.SIGKILL)).start()
        return await answer(self, item)

    monkeypatch.setattr(_Desk, "_answer", killing)
    metrics = play(problems, out, samples=4)
    assert (metrics["errors"], metrics["episodes"]) == (1, 16)
    lost = [row for row in rows(out / "episodes.jsonl") if row["stop"] == "error"]
    assert len(lost) == 1 and "status -9" in lost[0]["error"]
    assert play(problems, out, samples=4)["errors"] == 0
    assert server.log["counts"]["requests"] == 16  # the reply it was at is read again


def test_a_worker_that_hangs_costs_one_episode(
    play: Play, make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = make_set(3)
    with monkeypatch.context() as patch:
        patch.setattr(isolation, "HARD_LIMIT_SECONDS", 0.0)
        patch.setattr("ordebug.eval.rollout.play_anchors", lambda *given, **named: None)
        assert play(problems, tmp_path / "run")["errors"] == 3
    assert play(problems, tmp_path / "run")["errors"] == 0


# --- going on ---


def test_a_finished_run_asks_nothing(play: Play, server: Server, make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    metrics = play(problems, out)
    server.plan()
    assert play(problems, out) == metrics
    assert server.log["counts"] == {}


def test_replies_of_a_stopped_run_are_read_again_but_for_their_very_prompt(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path
) -> None:
    problems, out = make_set(2), tmp_path / "run"
    with pytest.raises(UsageError, match="--max-cost"):
        limits = Limits(max_cost=12e-6, output_price=1.0)
        play(problems, out, limits=limits, sampling=Sampling(max_new_tokens=12), concurrency=1)
    [kept] = rows(out / "replies.jsonl")
    assert (kept["problem_id"], kept["step"], kept["tokens"]) == ("p0", 0, 12)
    other = kept | {"problem_id": "p1", "messages_sha256": "of another prompt"}
    with (out / "replies.jsonl").open("a") as file:
        file.write(json.dumps(other) + "\n" + json.dumps({"odd": 1}) + "\n" + json.dumps(kept)[:30])
    server.plan()
    play(problems, out, sampling=Sampling(max_new_tokens=12))
    assert server.log["counts"] == {"requests": 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "other"}, "model is 'tiny' there and 'other' now"),
        ({"sampling": Sampling(max_new_tokens=9)}, "max_new_tokens is 4096 there and 9 now"),
    ],
)
def test_other_replies_are_another_run(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    server.plan(models=["tiny", "other"])
    problems, out = make_set(1), tmp_path / "run"
    play(problems, out)
    with pytest.raises(UsageError, match=says):
        play(problems, out, **change)
    play(problems, out, concurrency=3, timeout=5.0, base_url=server.url + "/")  # what decides no reply may change


def test_other_weights_under_the_same_name_are_another_run(
    play: Play, server: Server, make_set: MakeSet, tmp_path: Path
) -> None:
    weights = tmp_path / "model/model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    problems, out = make_set(1), tmp_path / "run"
    server.plan(root=str(weights.parent))
    play(problems, out)
    manifest = RunFolder(out).read_manifest()
    assert list(manifest["model"]) == ["model.safetensors"]
    assert manifest["endpoint"]["served"]["id"] == "tiny" and manifest["endpoint"]["base_url"] == server.url
    weights.write_bytes(b"trained again")
    with pytest.raises(UsageError, match="weights differ"):
        play(problems, out)
    server.plan(root="/on/another/machine")
    play(problems, tmp_path / "far")
    server.plan(root="/on/another/machine/2")
    with pytest.raises(UsageError, match="served_root is '/on/another/machine' there"):
        play(problems, tmp_path / "far")


# --- the command ---


def command(server: Server, problems: Path, out: Path, *others: str) -> list[str]:
    return [
        *("ordebug", "rollout", "--policy", "endpoint", "--base-url", server.url, "--model", "tiny"),
        *("--problems", str(problems), "--out", str(out), "--workers", "1", *others),
    ]


@pytest.mark.slow
def test_killed_at_any_moment_each_episode_stands_once(
    server: Server, play: Play, make_set: MakeSet, tmp_path: Path
) -> None:
    problems, out = make_set(6), tmp_path / "run"
    server.plan(reply="Action: GET_IIS()", seconds=0.05, share=0.1, faults=["500", "cut"])
    arguments = command(server, problems, out, "--samples", "8", "--concurrency", "8", "--max-steps", "3")
    kills, finished = 0, []
    for wait in (0.0, 0.15, 0.4, 0.1, 0.6):
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        before = len(finished)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None and lines(out) <= before:
            time.sleep(0.01)
        time.sleep(wait)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        whole = (out / "episodes.jsonl").read_text().rpartition("\n")[0].splitlines()
        assert whole[:before] == finished  # nothing that was there is touched
        finished = whole
    assert kills >= 3 and 0 < len(finished) < 48
    done = subprocess.run([*arguments, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (out / "episodes.jsonl").read_text().splitlines()[: len(finished)] == finished
    metrics = json.loads(done.stdout)
    assert (metrics["episodes"], metrics["errors"], len(decisions(out))) == (48, 0, 48)
    server.plan(reply="Action: GET_IIS()")
    play(problems, tmp_path / "whole", samples=8)
    assert decisions(out) == decisions(tmp_path / "whole")


def lines(out: Path) -> int:
    file = out / "episodes.jsonl"
    return file.read_text().count("\n") if file.exists() else 0


def test_what_the_command_says(server: Server, make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    done = subprocess.run(command(server, problems, out), capture_output=True, text=True)
    assert done.returncode == 0 and "drop-last" in done.stdout and done.stderr == ""


Refused = Callable[[list[str]], str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """A function that gives a command, which must end with status 2, and returns what it says."""

    def run(arguments: list[str]) -> str:
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err

    return run


WRONG: list[tuple[list[str], str, str]] = [
    (["--base-url", "http://127.0.0.1:9/v1"], "does not answer as a server of models", "Start the server"),
    (["--base-url", "{address}"], "does not know the path", "/v1"),
    (["--base-url", "{address}/v1", "--model", "huge"], "serves no model 'huge'", "tiny"),
    (["--base-url", "localhost"], "is no address", "http://"),
    (["--policy", "oracle"], "has no meaning", "--policy endpoint"),
    (["--max-cost", "1"], "needs prices", "--input-price"),
    (["--alone"], "never shown without the anchors", "--alone"),
    (["--recipe", "x.yaml"], "no meaning for the policy 'endpoint'", "Leave them out"),
]


@pytest.mark.parametrize(("others", "says", "fix"), WRONG)
def test_the_way_out_is_told(
    server: Server, make_set: MakeSet, tmp_path: Path, refused: Refused, others: list[str], says: str, fix: str
) -> None:
    given = [other.format(address=server.url.removesuffix("/v1")) for other in others]
    said = refused(command(server, make_set(1), tmp_path / "run", *given))
    assert says in said and fix in said.partition("fix: ")[2]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("always", "says"), [("401", "refuses the key"), ("html", "not JSON")])
def test_a_list_of_models_that_is_none(
    server: Server, make_set: MakeSet, tmp_path: Path, refused: Refused, always: str, says: str
) -> None:
    server.plan(always=always)
    assert says in refused(command(server, make_set(1), tmp_path / "run"))


def test_a_service_without_a_list_of_models_is_asked_all_the_same(
    server: Server, play: Play, make_set: MakeSet, tmp_path: Path
) -> None:
    server.plan(always="404")
    with pytest.raises(UsageError, match="does not know the path or the model"):
        play(make_set(1), tmp_path / "run")
    assert server.log["counts"]["requests"] >= 1


def test_ctrl_c_leaves_a_run_that_goes_on(server: Server, make_set: MakeSet, tmp_path: Path) -> None:
    server.plan(reply="Action: GET_IIS()", seconds=0.2)
    arguments = command(server, make_set(4), tmp_path / "run", "--samples", "8", "--concurrency", "4")
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (tmp_path / "run/replies.jsonl").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode in (1, 130) and "Traceback" not in said, said


def test_no_policy_endpoint_without_an_address(make_set: MakeSet, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs an address and a model"):
        rollout(Rollout("endpoint", make_set(1), tmp_path / "run", SETTING))
