"""Episodes through ms-swift's own loops, with written replies in a model's place."""

import asyncio
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gurobipy as gp
import pytest
from swift.infer_engine import RequestConfig
from swift.infer_engine.protocol import (
    ChatCompletionResponse,
    ChatCompletionResponseChoice,
    ChatMessage,
    RolloutInferRequest,
    RolloutOutput,
    UsageInfo,
)
from swift.rollout import multi_turns
from swift.rollout.agent_loop import invoke_async_hook, run_multi_turn

from ordebug.converters.env_config import EnvConfig, read_env_config
from ordebug.converters.grpo import Source, State, rows_of, write_prompts
from ordebug.core.errors import InputError, SolverError
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import RepairEnv
from ordebug.env.reward import TIERS
from ordebug.env.solvers.gurobi_environment import environment
from ordebug.swift_recipes.grpo.gym_env import OrdebugEnv

THOUGHT = "<think>\nhm\n</think>\n\nAction: "
VAIN = THOUGHT + "GET_IIS()"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Letters:
    """A tokenizer with a token a character."""

    def encode(self, text: str, **kwargs: Any) -> list[int]:
        return [ord(letter) for letter in text]

    def decode(self, ids: list[int], **kwargs: Any) -> str:
        return "".join(map(chr, ids))


@dataclass
class Scripted:
    """Replies in order, one a turn; remembers the prompts."""

    replies: Sequence[str]
    finish: str = "stop"
    prompts: list[Any] = field(default_factory=list)

    def answer(self, requests: Sequence[RolloutInferRequest], config: Any = None) -> list[RolloutOutput]:
        outputs = []
        for request in requests:
            turn = sum(message["role"] == "assistant" for message in request.messages)
            self.prompts.append([dict(message) for message in request.messages])
            text = self.replies[min(turn, len(self.replies) - 1)]
            choice = ChatCompletionResponseChoice(
                index=0,
                message=ChatMessage(role="assistant", content=text),
                finish_reason=self.finish,  # type: ignore[arg-type]
                token_ids=[ord(letter) for letter in text],
            )
            response = ChatCompletionResponse(model="scripted", choices=[choice], usage=UsageInfo(1, 1, 2))
            outputs.append(RolloutOutput(response=response))
        return outputs

    async def infer_async(self, request: RolloutInferRequest, config: Any, **kwargs: Any) -> Any:
        return self.answer([request])[0].response


def requests_of(row: dict[str, Any], count: int = 1) -> list[RolloutInferRequest]:
    return [
        RolloutInferRequest(messages=[dict(m) for m in row["messages"]], data_dict=row, uuid=f"u{number}")
        for number in range(count)
    ]


def colocate(row: dict[str, Any], script: Scripted, max_turns: int | None = None, count: int = 1) -> tuple[Any, Any]:
    """What ms-swift's trainer does in colocate mode: the outputs and the scheduler."""
    scheduler = multi_turns["ordebug"](max_turns=max_turns, tokenizer=Letters())
    requests = requests_of(row, count)
    invoke_async_hook(scheduler.on_trajectory_start(requests))
    first = script.answer(requests)
    found = run_multi_turn(requests, first, scheduler, script.answer, RequestConfig(), max_turns=max_turns)
    return found, scheduler


def nothing_left(scheduler: Any) -> bool:
    return not any((scheduler._envs, scheduler._total_rewards, scheduler._step_rewards, scheduler._pending_obs))


def test_an_episode_is_the_one_that_evaluation_plays(make_prompts: Callable[..., Any]) -> None:
    prompts = make_prompts("A")
    row = prompts.rows[0]
    problem = prompts.problems.get(row["problem"])
    script = Scripted([VAIN, "no action", THOUGHT + problem.repair[0]])
    [output], scheduler = colocate(row, script)
    env = RepairEnv(problem, prompts.problems, read_env_config(row["env_config"]).rules)
    env.reset()
    rewards = [env.step(reply)[1] for reply in script.replies]
    env.close()
    infos = output.rollout_infos
    assert infos["step_rewards"] == pytest.approx(rewards) and infos["total_reward"] == pytest.approx(sum(rewards))
    assert (infos["stop"], infos["terms"]["tier"], infos["num_turns"]) == ("recovered", "equivalent", 3)
    assert infos["actions"] == ["GET_IIS()", None, problem.repair[0]] and infos["thoughts"][1] == "missing"
    assert script.prompts[0] == row["messages"], "the first turn is the row's prompt"
    later = script.prompts[2]
    assert [m["role"] for m in later] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert later[2]["content"] == [ord(letter) for letter in VAIN], "history stays the sampled tokens"
    assert "1. GET_IIS(): shown" in later[5]["content"] and nothing_left(scheduler)


def test_max_turns_ends_and_closes(make_prompts: Callable[..., Any]) -> None:
    [output], scheduler = colocate(make_prompts("A", max_steps=2).rows[0], Scripted([VAIN]), max_turns=2)
    assert output.rollout_infos["stop"] == "max_steps" and output.rollout_infos["gym_done"] is True
    assert output.rollout_infos["total_reward"] == pytest.approx(TIERS["not_recovered"] - 0.01)
    assert nothing_left(scheduler)


def test_a_reply_cut_off_ends_and_closes(make_prompts: Callable[..., Any]) -> None:
    [output], scheduler = colocate(make_prompts("A").rows[0], Scripted([VAIN], finish="length"), max_turns=4)
    assert output.rollout_infos["stop"] == "truncated" and output.rollout_infos["num_turns"] == 1
    assert output.rollout_infos["total_reward"] < -0.7 and nothing_left(scheduler)


def test_a_prompt_promises_no_step_that_is_not_played(make_prompts: Callable[..., Any]) -> None:
    row = make_prompts("A").rows[0]
    assert "Steps left: 4" in row["messages"][1]["content"]
    with pytest.raises(InputError, match="says 4 steps are left, and --max_turns ends it after 3") as raised:
        colocate(row, Scripted([VAIN]), max_turns=3)
    assert "--max-steps 3" in raised.value.fix and "--max_turns 4" in raised.value.fix


def test_a_later_state_ends_when_its_prompt_says(make_prompts: Callable[..., Any]) -> None:
    prompts = make_prompts("A")
    problem = prompts.rows[0]["problem"]
    config = read_env_config(prompts.rows[0]["env_config"])
    [row] = rows_of(Source(prompts.problems, problem, config, (State(("GET_IIS()",)),)))
    assert "Steps left: 3" in row["messages"][1]["content"]
    script = Scripted([VAIN])
    [output], _ = colocate(row, script, max_turns=4)
    assert (output.rollout_infos["stop"], output.rollout_infos["num_turns"]) == ("max_steps", 3)
    assert script.prompts[0] == row["messages"] and "Steps left: 1" in script.prompts[-1][-1]["content"]


def test_a_problem_that_has_changed_since_is_noticed(tmp_path: Path) -> None:
    generate(tmp_path, Plan(1, ("A",), ("production",), seed=5), workers=1)
    problems = read_problem_set(tmp_path)
    write_prompts(problems, EnvConfig(problems=tmp_path, max_steps=2), tmp_path / "grpo.jsonl")
    row = json.loads((tmp_path / "grpo.jsonl").read_text())
    with gp.read(str(problems.model_path(problems.get(row["problem"]))), env=environment()) as model:
        model.getConstrs()[0].RHS += 1
        model.write(str(problems.model_path(problems.get(row["problem"]))))
    with pytest.raises(InputError, match="not the one of its state"):
        colocate(row, Scripted([VAIN]), max_turns=2)


def test_tokens_are_read_as_text(make_prompts: Callable[..., Any]) -> None:
    scheduler = multi_turns["ordebug"](max_turns=4, tokenizer=Letters())
    [request] = requests_of(make_prompts("A").rows[0])
    invoke_async_hook(scheduler.on_trajectory_start([request]))
    request.messages.append({"role": "assistant", "content": [ord(letter) for letter in VAIN]})
    choice: Any = SimpleNamespace(finish_reason="stop")
    turn = invoke_async_hook(scheduler.on_turn_end(request, choice, 1))
    assert turn["rollout_infos"]["actions"] == ["GET_IIS()"]
    assert isinstance(request.messages[-1]["content"], list), "the sampled tokens stay what is trained on"


def test_a_solver_that_fails_is_nobodys_fault(
    make_prompts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_prompts("A").rows[0]
    whole = OrdebugEnv.step

    async def failing(self: OrdebugEnv, action: Any) -> Any:
        if self._replies:
            raise SolverError("out of memory")
        return await whole(self, action)

    monkeypatch.setattr(OrdebugEnv, "step", failing)
    found, scheduler = colocate(row, Scripted([VAIN]), count=2)
    assert all(math.isnan(output.rollout_infos["total_reward"]) for output in found) and nothing_left(scheduler)


def test_an_episode_that_cannot_begin_does_not_stop_others(
    make_prompts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = OrdebugEnv.reset

    async def failing(self: OrdebugEnv, config: Any) -> Any:
        if config.uuid == "u0":
            raise SolverError("no memory")
        return await whole(self, config)

    monkeypatch.setattr(OrdebugEnv, "reset", failing)
    found, scheduler = colocate(make_prompts("A", max_steps=2).rows[0], Scripted([VAIN]), max_turns=2, count=2)
    assert [math.isnan(output.rollout_infos["total_reward"]) for output in found] == [True, False]
    assert nothing_left(scheduler)


def test_a_rollout_server_plays_the_same(make_prompts: Callable[..., Any]) -> None:
    row = make_prompts("A", max_steps=2).rows[0]
    script = Scripted([VAIN])
    scheduler = multi_turns["ordebug"](infer_engine=script, max_turns=2, tokenizer=Letters())
    output = asyncio.run(scheduler.run(requests_of(row)[0], RequestConfig()))
    [other], _ = colocate(row, Scripted([VAIN]), max_turns=2)
    assert output.rollout_infos == other.rollout_infos and nothing_left(scheduler)


def test_a_server_that_fails_leaves_nothing(make_prompts: Callable[..., Any]) -> None:
    class Broken(Scripted):
        async def infer_async(self, request: Any, config: Any, **kwargs: Any) -> Any:
            raise RuntimeError("engine lost")

    scheduler = multi_turns["ordebug"](infer_engine=Broken([VAIN]), max_turns=2, tokenizer=Letters())
    with pytest.raises(RuntimeError, match="engine lost"):
        asyncio.run(scheduler.run(requests_of(make_prompts("A", max_steps=2).rows[0])[0], RequestConfig()))
    assert nothing_left(scheduler)


def test_the_loop_goes_on_while_workers_solve(make_prompts: Callable[..., Any]) -> None:
    async def both() -> int:
        [request] = requests_of(make_prompts("A").rows[0])
        env, ticks = OrdebugEnv(make_prompts("A").rows[0]["env_config"]), 0
        reset = asyncio.ensure_future(env.reset(request))
        while not reset.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(both()) > 5
