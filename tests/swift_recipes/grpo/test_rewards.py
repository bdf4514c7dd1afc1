"""The reward functions, called as ms-swift calls them."""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from swift.rewards import orms
from swift.rl_core.data import GRPOSample
from swift.rl_core.grpo_algorithm import compute_rewards_per_func

from ordebug.converters.env_config import EnvConfig
from ordebug.converters.grpo import Source, State, rows_of
from ordebug.core.errors import InputError
from ordebug.env.problem import ERROR_TYPES, Problem
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo import rewards as ours
from ordebug.swift_recipes.grpo.decision import Decisions, Standing, Unjudged, Verdict, judge

NAMES = ["ordebug_outcome", "ordebug_format", "ordebug_think", "ordebug_sum"]
THOUGHT = "<think>\nThe limit is wrong.\n</think>\n\nAction: "
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def scored(
    row: dict[str, Any], replies: Sequence[str], args: Any = None, infos: Any = None, **changes: Any
) -> dict[str, list[float]]:
    """Each reward function's value of each reply, NaN for None."""
    samples = [
        GRPOSample.from_row(
            {**row, "messages": [*row["messages"], {"role": "assistant", "content": reply}], "prompt_id": "p"}
            | {"rollout_infos": {} if infos is None else infos[place]}
            | changes
        )
        for place, reply in enumerate(replies)
    ]
    functions = [orms[name](args=args) for name in NAMES]
    table = compute_rewards_per_func(samples, functions, [None] * len(functions), torch.device("cpu"))
    return {name: table[:, place].tolist() for place, name in enumerate(NAMES)}


def gold(problem: Problem) -> str:
    """The first decision of the stored repair."""
    return problem.repair[0]


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_gold_wrong_and_malformed_keep_their_order(make_prompts: Callable[..., Any], error_type: str) -> None:
    prompts = make_prompts(error_type)
    problem = prompts.problems.get(prompts.rows[0]["problem"])
    *before, last = problem.repair  # of several edits the last one: a single decision is scored by what it leaves
    config = EnvConfig.model_validate(prompts.rows[0]["env_config"])
    source = Source(prompts.problems, problem.problem_id, config, (State(tuple(before)),))
    [row] = rows_of(source)
    replies = [
        THOUGHT + last,
        THOUGHT + "GET_IIS()",
        THOUGHT + "SUBMIT()",
        THOUGHT + "DROP_CONSTRAINT(no_such_row)",
        "I would drop the constraint c1, which contains the error.",
    ]
    found = scored(row, replies)
    for name in ("ordebug_outcome", "ordebug_sum"):
        assert found[name] == sorted(found[name], reverse=True) and len(set(found[name])) == 5, found[name]
    assert found["ordebug_format"] == [1, 1, 1, 1, 0] and found["ordebug_think"] == [1, 1, 1, 1, 0]
    assert found["ordebug_outcome"][0] > 0.9


def test_the_sum_bridges_no_tiers(make_prompts: Callable[..., Any]) -> None:
    row = make_prompts("A").rows[0]
    found = scored(row, ["Action: GET_IIS()", THOUGHT + "SUBMIT()", "Action: SUBMIT()", THOUGHT + "DROP_CONSTRAINT(x)"])
    assert found["ordebug_sum"] == sorted(found["ordebug_sum"], reverse=True)


def test_a_reply_that_was_cut_off(make_prompts: Callable[..., Any]) -> None:
    prompts = make_prompts("A")
    row = prompts.rows[0]
    answer = THOUGHT + gold(prompts.problems.get(row["problem"]))
    found = scored(row, [answer], finish_reason="length")
    assert found["ordebug_outcome"][0] < -0.7 and found["ordebug_format"] == [0]


class TestWhatMadePublishedTrainingFail:
    """The failures of published training, each on an answer that it paid for or could not tell apart."""

    def test_the_reward_is_not_constant(self, make_prompts: Callable[..., Any]) -> None:
        for kind in "ADI":
            prompts = make_prompts(kind)
            row = prompts.rows[0]
            answers = [gold(prompts.problems.get(row["problem"])), "GET_IIS()", "SUBMIT()"]
            assert torch.tensor(scored(row, [THOUGHT + a for a in answers])["ordebug_outcome"]).std() > 0.1

    def test_what_the_prompt_asks_for_is_what_is_parsed(self, make_prompts: Callable[..., Any]) -> None:
        row = make_prompts("A").rows[0]
        assert "Action: GET_IIS()" in row["messages"][0]["content"]
        found = scored(row, [THOUGHT + "GET_IIS()", '{"action": "GET_IIS", "args": []}'])["ordebug_outcome"]
        assert found[0] > 0 > found[1]

    def test_the_completion_is_scored_and_not_the_prompt(self, make_prompts: Callable[..., Any]) -> None:
        row = make_prompts("A").rows[0]
        assert scored(row, [row["messages"][0]["content"]])["ordebug_outcome"][0] < -0.7

    def test_no_value_is_beyond_one(self, make_prompts: Callable[..., Any]) -> None:
        prompts = make_prompts("A")
        row = prompts.rows[0]
        found = scored(row, [THOUGHT + gold(prompts.problems.get(row["problem"]))])
        assert all(-1 <= value[0] <= 1.05 for value in found.values()) and found["ordebug_outcome"][0] <= 1

    def test_a_solver_that_fails_gives_no_score(
        self, make_prompts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(groups: Sequence[Sequence[Decisions]]) -> list[list[Verdict]]:
            return [[Unjudged("the solver failed") for _ in group] for group in groups]

        monkeypatch.setattr(ours, "shared_judges", lambda: SimpleNamespace(judge=broken))
        found = scored(make_prompts("A").rows[0], [THOUGHT + "GET_IIS()"])
        assert math.isnan(found["ordebug_outcome"][0]) and math.isnan(found["ordebug_sum"][0])

    def test_relaxing_is_judged_by_the_solver(self, make_prompts: Callable[..., Any]) -> None:
        """There the check crashed on RELAX and a heuristic answered: a row outside the conflict paid as well."""
        prompts = make_prompts("D")
        row = prompts.rows[0]
        added = prompts.problems.get(row["problem"]).root_cause[0].name
        other = next(n for n in row["messages"][1]["content"].split("Other rows: ")[1].split("\n")[0].split(", "))
        found = scored(row, [f"{THOUGHT}RELAX_CONSTRAINT({added}, 1000000)", f"{THOUGHT}RELAX_CONSTRAINT({other}, 1)"])
        assert found["ordebug_outcome"][0] > 0.29 > found["ordebug_outcome"][1]

    def test_no_unreadable_answer_becomes_an_action(self, make_prompts: Callable[..., Any]) -> None:
        row = make_prompts("A").rows[0]
        found = scored(row, [THOUGHT + "GET_IIS()", THOUGHT, "", THOUGHT + "GET_IIS", THOUGHT + "GET_IIS()\nAction: x"])
        assert found["ordebug_outcome"][0] > 0 and all(value < -0.7 for value in found["ordebug_outcome"][1:])

    @pytest.mark.parametrize("error_type", "AD")
    def test_damage_does_not_pay(self, make_prompts: Callable[..., Any], error_type: str) -> None:
        """There whatever made the model feasible was paid in full, however much was dropped for it."""
        prompts = make_prompts(error_type, count=6, max_steps=20)
        shared = prompts.rows[0]["env_config"] | {"auto_submit": False}  # else the first drop ends the episode

        def played(problem: Problem, actions: Sequence[str]) -> Standing:
            replies = tuple(PolicyReply(THOUGHT + action) for action in (*actions, "SUBMIT()"))
            return judge(Decisions(problem.problem_id, EnvConfig.model_validate(shared), replies, horizon=20))

        paid = []
        for problem in prompts.problems:
            with closing(RepairEnv(problem, prompts.problems, Rules("extended"))) as env:
                conflict = env.reset()[0].conflict.rows
            dropped = played(problem, [f"DROP_CONSTRAINT({name})" for name in conflict])
            if dropped.info["status"] == "OPTIMAL":  # of some nothing is left that bounds the objective
                paid.append((dropped.total, played(problem, problem.repair).total))
        assert len(paid) >= 4 and all(damage < repair - 0.2 for damage, repair in paid), paid


def test_a_row_of_other_problems_stops_the_training(make_prompts: Callable[..., Any]) -> None:
    row = make_prompts("A").rows[0]
    other = {**row, "messages": [row["messages"][0], {"role": "user", "content": "Repair this."}]}
    with pytest.raises(InputError, match="not the one of its state"):
        scored(other, [THOUGHT + "GET_IIS()"])
    with pytest.raises(InputError, match="no column 'env_config'"):
        scored({k: v for k, v in row.items() if k != "env_config"}, [THOUGHT + "GET_IIS()"])


def test_what_was_played_is_not_counted_twice(make_prompts: Callable[..., Any]) -> None:
    row = make_prompts("A").rows[0]
    infos = [
        {"total_reward": 0.5, "actions": ["GET_IIS()", None], "thoughts": ["valid", "missing"]},
        {"total_reward": math.nan, "stop": "error"},
    ]
    replies = ["Action: GET_IIS()"] * 2
    alone = scored(row, replies, SimpleNamespace(use_vllm=False, use_gym_env=True), infos)
    assert alone["ordebug_outcome"][0] == 0.5 and math.isnan(alone["ordebug_outcome"][1])
    assert alone["ordebug_format"][0] == alone["ordebug_think"][0] == 0.5
    beside = scored(row, replies, SimpleNamespace(use_vllm=True, use_gym_env=True), infos)
    assert all(map(math.isnan, beside["ordebug_outcome"]))
    assert beside["ordebug_sum"][0] == pytest.approx(0.02)
