"""The real OpenEnv and the real TRL, each in an environment of its own, play episodes that are then played directly."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from conftest import ordebug, run_script

from ordebug.core.jsonl import read_rows
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.renderer import render
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reward import TIERS
from ordebug.env.tools import tool_schemas

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = Path(__file__).parent / "programs"
MAX_STEPS, SESSIONS = 4, 6
VAIN = "<think>\nhm\n</think>\n\nAction: GET_IIS()"


def python_of(name: str) -> Path:
    done = run_script("setup_integrations.sh", name)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return ROOT / f".venv-{name}" / "bin" / "python"


def alone(env: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a program that sees its own packages only."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | (env or {})


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> ProblemSet:
    folder = tmp_path_factory.mktemp("integrations") / "problems"
    shape = ["--families", "production,planning", "--types", "A,D,I", "--count", "6", "--seed", "3"]
    ordebug("problems", "generate", "--out", str(folder), *shape)
    return read_problem_set(folder)


# --- OpenEnv ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A process that serves the problems."""

    url: str
    pid: int

    def health(self) -> int:
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=20)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status

    def schema(self) -> dict[str, Any]:
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=20)) as connection:
            connection.request("GET", "/schema")
            found: dict[str, Any] = json.loads(connection.getresponse().read())
            return found

    def post(self, path: str, body: Any) -> tuple[int, str]:
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=60)) as connection:
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    @property
    def workers(self) -> list[int]:
        found = subprocess.run(
            ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(self.pid)], capture_output=True, text=True
        )
        return [int(line.split()[0]) for line in found.stdout.splitlines() if "spawn_main" in line]


@pytest.fixture(scope="module")
def server(problems: ProblemSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = [str(python_of("openenv").parent / "ordebug"), "serve-env", "--problems", str(problems.folder)]
    command += ["--actions", "extended", "--max-steps", str(MAX_STEPS), "--port", "0"]
    command += ["--sessions", str(SESSIONS), "--workers", "2"]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, env=alone(), cwd=log.parent)
        assert process.stdout is not None
        try:
            found = re.match(r"Listening at (http://127\.0\.0\.1:\d+);", process.stdout.readline())
            assert found, log.read_text()[-3000:]
            yield Server(found[1], process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) in (0, 130, -signal.SIGINT), log.read_text()[-3000:]
            process.stdout.close()
    assert "Traceback" not in log.read_text(), log.read_text()[-3000:]


@contextmanager
def playing(server: Server, folder: Path, **job: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The program that plays; its result is in ``folder/out``."""
    (folder / "job").write_text(json.dumps({"url": server.url, **job}))
    command = [str(python_of("openenv")), str(PROGRAMS / "openenv_play.py"), str(folder / "job"), str(folder / "out")]
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(command, stdout=log, stderr=log, env=alone(), cwd=folder)
        try:
            yield program
        finally:
            program.kill()
            program.wait()


def played(server: Server, folder: Path, **job: Any) -> dict[str, Any]:
    with playing(server, folder, **job) as program:
        assert program.wait(300) == 0, (folder / "log").read_text()[-3000:]
    found: dict[str, Any] = json.loads((folder / "out").read_text())
    return found


def script(problems: ProblemSet) -> list[dict[str, Any]]:
    """Each problem's repair after two vain replies; the first problem again, never repaired."""
    episodes = [
        {
            "reset": {"problem_id": problem.problem_id},
            "replies": [VAIN, "Action: DROP_CONSTRAINT(nowhere)", *(f"Action: {action}" for action in problem.repair)],
        }
        for problem in problems
    ]
    first = {"reset": episodes[0]["reset"], "replies": [VAIN, "I do not know.", VAIN, VAIN]}
    return [*episodes[: SESSIONS - 2], first]


def directly(problems: ProblemSet, episode: dict[str, Any]) -> list[dict[str, Any]]:
    """The same episode without any server, as JSON has it."""
    problem = problems.get(episode["reset"]["problem_id"])
    env = RepairEnv(problem, problems, Rules("extended", MAX_STEPS))
    observation, _ = env.reset()
    steps: list[dict[str, Any]] = [
        {"messages": render(observation, "algebra", "extended"), "reward": None, "done": False, "metadata": {}}
    ]
    for reply in episode["replies"]:
        observation, reward, terminated, truncated, info = env.step(reply)
        messages = render(observation, "algebra", "extended")
        done = terminated or truncated
        steps.append({"messages": messages, "reward": pytest.approx(reward), "done": done, "metadata": info})
    env.close()
    return steps


def test_openenv_plays_as_the_environment_itself(server: Server, problems: ProblemSet, tmp_path: Path) -> None:
    episodes = script(problems)
    found = played(server, tmp_path, episodes=episodes)
    for episode, session in zip(episodes, found["typed"], strict=True):
        assert session["steps"] == directly(problems, episode)
        assert session["steps"][-1]["done"] and session["state"]["problem_id"] == episode["reset"]["problem_id"]
    ends = [session["steps"][-1]["metadata"] for session in found["typed"]]
    assert [end["terms"]["tier"] for end in ends] == ["equivalent"] * (len(ends) - 1) + ["malformed"]
    assert [end["stop"] for end in ends] == ["recovered"] * (len(ends) - 1) + ["max_steps"]
    assert found["generic"] == [step["messages"] for step in found["typed"][0]["steps"]]
    assert server.schema()["action"]["required"] == ["reply"]  # clients that know it alone send a bare text


def test_what_a_server_is_sent_wrongly_is_told_and_harms_nobody(
    server: Server, problems: ProblemSet, tmp_path: Path
) -> None:
    ids = [problem.problem_id for problem in problems]
    wrong = {
        "no JSON": "INVALID_JSON",
        json.dumps({"type": "dance"}): "UNKNOWN_TYPE",
        json.dumps({"type": "step", "data": {"reply": VAIN}}): "Send reset first",
        json.dumps({"type": "reset", "data": {"problem_id": "nowhere"}}): "there is no problem 'nowhere' here",
        json.dumps({"type": "reset", "data": {"problm": ids[0]}}): "problm",
        json.dumps({"type": "reset", "data": {"seed": -1}}): "greater than or equal to 0",
        json.dumps({"type": "reset", "data": {"problem_id": [1]}}): "problem_id",
        json.dumps({"type": "step", "data": {"reply": 5}}): "VALIDATION_ERROR",
        json.dumps({"type": "step", "data": {"reply": VAIN, "secret": 1}}): "VALIDATION_ERROR",
    }
    bad = ["\ud800 Action: \ud800", "x" * 1_000_000, '<tool_call>{"name": "SUBMIT"', "Action: DROP_CONSTRAINT(a, b, c)"]
    messages = [*wrong, json.dumps({"type": "reset", "data": {"seed": 7}})]
    messages += [json.dumps({"type": "step", "data": {"reply": reply}}) for reply in [*bad, VAIN]]
    found = played(server, tmp_path, episodes=script(problems)[:1], raw=messages, sessions=SESSIONS)
    for message, answer in zip(wrong, found["raw"], strict=False):
        assert answer["type"] == "error" and wrong[message] in json.dumps(answer), message
    begun, *steps, after = found["raw"][len(wrong) :]
    [drawn] = problems.draw(1, 7)
    env = RepairEnv(drawn, problems, Rules("extended", MAX_STEPS))
    assert begun["data"]["observation"]["messages"] == render(env.reset()[0], "algebra", "extended")
    env.close()
    outcomes = [step["data"]["metadata"]["outcome"] for step in steps]
    assert outcomes == ["no_action", "no_action", "bad_arguments", "bad_arguments"] and steps[-1]["data"]["done"]
    assert "the episode has ended" in after["data"]["message"]
    assert found["one_too_many"]["data"]["code"] == "CAPACITY_REACHED"
    assert server.post("/step", {"action": {"reply": VAIN}})[0] == 422
    status, told = server.post("/reset", {"problem_id": "nowhere"})
    assert status == 422 and "there is no problem 'nowhere' here" in told


def test_no_prompt_of_a_server_holds_the_answer(server: Server, problems: ProblemSet) -> None:
    for problem in problems:
        status, body = server.post("/reset", {"problem_id": problem.problem_id})
        assert status == 200
        hidden = [
            problem.problem_id,
            f"Type: {problem.error_type}",
            *problem.repair,
            "root_cause",
            "original_objective",
        ]
        assert not [text for text in hidden if text in body]


def test_solves_block_no_session_and_a_killed_worker_costs_nothing(
    server: Server, problems: ProblemSet, tmp_path: Path
) -> None:
    episodes = script(problems)[:1]
    played(server, tmp_path, episodes=episodes)
    workers = server.workers
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with playing(server, tmp_path, episodes=episodes) as program:
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(15)
        assert server.health() == 200  # the event loop does not wait for what is being solved
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        assert program.wait(120) == 0, (tmp_path / "log").read_text()[-3000:]
    assert json.loads((tmp_path / "out").read_text())["typed"][0]["steps"] == directly(problems, episodes[0])
    assert not set(server.workers) & set(workers)


# --- TRL -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tiny_job: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened in one step of TRL's trainer, with the row and the script that the model knows by heart."""
    folder = tmp_path_factory.mktemp("trl")
    ordebug("grpo-data", "--problems", f"{tiny_job}/train", "--out", f"{folder}/grpo.jsonl", "--max-steps", "4")
    row = next(row for _, row in read_rows(folder / "grpo.jsonl"))
    [cause] = read_problem_set(tiny_job / "train").get(row["problem"]).root_cause
    job = {
        "model": str(tiny_job / "tiny"),
        "row": row,
        "actions": "core",
        "script": [["GET_IIS", {}], ["DROP_CONSTRAINT", {"name": cause.name}]],
    }
    (folder / "job").write_text(json.dumps(job))
    command = [str(python_of("trl")), str(PROGRAMS / "trl_step.py"), str(folder / "job"), str(folder / "out")]
    offline = alone({"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})
    done = subprocess.run(command, capture_output=True, text=True, env=offline, cwd=folder, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {**job, "problems": tiny_job / "train", **json.loads((folder / "out").read_text())}


def test_trl_offers_the_actions_as_everything_else_does(trained: dict[str, Any]) -> None:
    """TRL's schemas are ours, but for what Python's types cannot say and for what the arguments mean."""

    def bare(schema: dict[str, Any]) -> tuple[Any, ...]:
        function = schema["function"]
        parameters = function["parameters"]
        types = {name: told["type"] for name, told in parameters["properties"].items()}
        return function["name"], function["description"], types, sorted(parameters.get("required", []))

    assert sorted(map(bare, trained["schemas"])) == sorted(map(bare, tool_schemas("core")))


def test_trl_plays_as_the_environment_itself(trained: dict[str, Any]) -> None:
    calls: dict[int, list[Any]] = {}
    for name, arguments, instance, *shown in trained["asked_of"]:
        if name == "reset":
            assert {"prompt", "problem", "env_config"} <= set(arguments)
            assert instance not in calls  # each rollout has an environment of its own
            calls[instance] = []
        else:
            calls[instance].append((name, arguments, shown[0]))
    assert len(calls) == len(trained["rewards"]) == 2
    problems = read_problem_set(trained["problems"])
    problem = problems.get(trained["row"]["problem"])
    for played_calls, reward in zip(calls.values(), trained["rewards"], strict=True):
        assert [[name, arguments] for name, arguments, _ in played_calls] == trained["script"]
        env = RepairEnv(problem, problems, Rules("core", 4))
        env.reset()
        total = 0.0
        for (_, _, shown), reply in zip(played_calls, directly_written(trained["script"]), strict=True):
            observation, gained, _, _, info = env.step(reply)
            total += gained
            user = render(observation, "algebra", "core")[1]["content"]
            assert shown == (user if info["stop"] is None else f"{user}\nThe episode has ended: {info['stop']}.")
        env.close()
        assert info["stop"] == "recovered" and reward == pytest.approx(total) and reward > TIERS["recovered"]


def test_trl_trains_on_that_reward(trained: dict[str, Any]) -> None:
    assert trained["steps"] == 1
    step = trained["logged"][0]
    assert step["reward"] == pytest.approx(sum(trained["rewards"]) / 2, abs=1e-4)
    assert (step["tools/call_frequency"], step["tools/failure_frequency"]) == (len(trained["script"]), 0)


def directly_written(calls: list[Any]) -> list[str]:
    """Tool calls as the actions that they are."""
    return [f"Action: {name}({', '.join(map(str, arguments.values()))})" for name, arguments in calls]
