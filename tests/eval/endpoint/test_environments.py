import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import ToolError
from ordebug.core.workers import Failure
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval import isolation
from ordebug.eval.attempt import PolicyReply, Replay, Setting, replay
from ordebug.eval.endpoint import environments as module
from ordebug.eval.endpoint.environments import Environments, Played, play

MakeSet = Callable[..., Path]
Body = Callable[[Environments], Coroutine[Any, Any, None]]
SETTING = Setting(rules=Rules(max_steps=5))
STEPS = [PolicyReply("Action: GET_IIS()"), PolicyReply("nothing"), PolicyReply("Action: DROP_CONSTRAINT(need)")]


@pytest.fixture
def items(make_set: MakeSet) -> list[Replay]:
    problems = read_problem_set(make_set(6))
    return [Replay(problem, problems.folder, SETTING, "endpoint") for problem in problems]


def within(body: Body, workers: int = 1) -> None:
    async def run() -> None:
        found = Environments(workers)
        try:
            await body(found)
        finally:
            found.close()

    asyncio.run(run())


def pid_of(environments: Environments) -> int:
    worker = environments._desks[0]._worker
    assert worker is not None and worker.process.pid is not None
    return worker.process.pid


def untimed(found: Any) -> Any:
    assert isinstance(found, Played), found
    if found.episode is None:
        return found.messages
    return [step.model_copy(update={"seconds": None}) for step in found.episode.steps], found.episode.stop


def test_each_step_is_what_a_fresh_environment_gives(items: list[Replay]) -> None:
    async def body(environments: Environments) -> None:
        for count in range(len(STEPS) + 1):
            asked = [replace(item, replies=STEPS[:count]) for item in items]
            found = await asyncio.gather(*(environments.play(item) for item in asked))
            alone = [Played(*replay(item), 0.0) for item in asked]
            assert [untimed(part) for part in found] == [untimed(part) for part in alone]

    within(body, workers=2)


def test_to_replay_is_to_look_up(items: list[Replay], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    monkeypatch.setattr(module, "_kept", type(module._kept)())
    asked = replace(items[0], replies=STEPS)
    play(asked)
    environment = module._kept["p0"]
    states = dict(environment._states._known)
    assert play(replace(asked, sample=1)).episode is not None
    assert environment._states._known == states and module._kept["p0"] is environment
    for item in items[1:4]:
        play(item)
    assert list(module._kept) == ["p2", "p3"]


def test_what_failed_once_is_made_anew(items: list[Replay], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_kept", type(module._kept)())
    model = items[0].folder / "models/p0.mps"
    content = model.read_bytes()
    model.write_text("no model")
    failed = play(items[0])
    assert failed.episode is not None and failed.episode.stop == "error" and not module._kept
    model.write_bytes(content)
    assert play(items[0]).episode is None


def test_a_hung_worker_costs_the_episode_it_was_at(items: list[Replay], monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(environments: Environments) -> None:
        await environments.play(items[0])
        hung = pid_of(environments)
        os.kill(hung, signal.SIGSTOP)
        monkeypatch.setattr(isolation, "HARD_LIMIT_SECONDS", 1.0)
        first = asyncio.create_task(environments.play(items[0]))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(isolation, "HARD_LIMIT_SECONDS", 60.0)
        others = await asyncio.gather(*(environments.play(item) for item in items[1:]))
        lost = await first
        assert isinstance(lost, Failure) and lost.reason == "hung" and "1 s" in lost.message
        assert all(isinstance(found, Played) and found.messages for found in others)
        assert not Path(f"/proc/{hung}").exists()

    within(body)


def test_a_killed_worker_costs_the_episode_it_was_at(items: list[Replay]) -> None:
    async def body(environments: Environments) -> None:
        await environments.play(items[0])
        os.kill(pid_of(environments), signal.SIGSTOP)  # so that it is at work when it is killed
        tasks = [asyncio.create_task(environments.play(item)) for item in items[:3]]
        await asyncio.sleep(0.2)
        os.kill(pid_of(environments), signal.SIGKILL)
        lost, *others = await asyncio.gather(*tasks)
        assert isinstance(lost, Failure) and lost.reason == "killed" and "-9" in lost.message
        assert all(isinstance(found, Played) for found in others)

    within(body)


def test_a_worker_that_died_while_idle_costs_nothing(items: list[Replay]) -> None:
    async def body(environments: Environments) -> None:
        await environments.play(items[0])
        os.kill(pid_of(environments), signal.SIGKILL)
        await asyncio.sleep(0.2)
        assert isinstance(await environments.play(replace(items[0], replies=STEPS[:1])), Played)

    within(body)


def test_nobody_waits_in_a_long_line_behind_one_that_hangs(items: list[Replay]) -> None:
    async def body(environments: Environments) -> None:
        await asyncio.gather(*(environments.play(item) for item in items))
        assert all(desk._worker is not None for desk in environments._desks)
        os.kill(pid_of(environments), signal.SIGSTOP)
        tasks = []
        for item in items * 8:  # as replies come, one after another
            tasks.append(asyncio.create_task(environments.play(item)))
            await asyncio.sleep(0.02)
        waiting = sum(not task.done() for task in tasks)
        os.kill(pid_of(environments), signal.SIGCONT)
        assert all(isinstance(found, Played) for found in await asyncio.gather(*tasks))
        assert 0 < waiting <= module.LONGER_LINE + 4

    within(body, workers=2)


def test_what_the_function_raises_is_raised(items: list[Replay]) -> None:
    async def body(environments: Environments) -> None:
        with pytest.raises(AttributeError):
            await environments.play(replace(items[0], setting=None))  # type: ignore[arg-type]
        assert isinstance(await environments.play(items[0]), Played)

    within(body)


def test_a_worker_that_does_not_start_says_so(items: list[Replay], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.0)

    async def body(environments: Environments) -> None:
        with pytest.raises(ToolError, match="does not start"):
            await environments.play(items[0])

    within(body)


def test_the_event_loop_goes_on_while_a_worker_works(items: list[Replay]) -> None:
    async def body(environments: Environments) -> None:
        await environments.play(items[0])
        os.kill(pid_of(environments), signal.SIGSTOP)
        task = asyncio.create_task(environments.play(items[1]))
        ticks = 0
        for _ in range(20):
            await asyncio.sleep(0.01)
            ticks += 1
        assert ticks == 20 and not task.done()
        os.kill(pid_of(environments), signal.SIGCONT)
        assert isinstance(await task, Played)

    within(body)
