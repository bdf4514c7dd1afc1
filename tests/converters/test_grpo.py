"""GRPO prompts: which, in what order, proved, and without the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.env_config import EnvConfig, read_env_config
from ordebug.converters.grpo import Wanted, write_prompts
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_rows
from ordebug.env.action import Action, InvalidAction
from ordebug.env.episode import Episode
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, write_problem_set
from ordebug.env.renderer import messages_sha256
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.eval.attempt import Attempt, PolicyReply, Setting

Generated = Callable[[str, int], ProblemSet]
Joinery = tuple[Problem, ProblemSet]
RESERVED = """
    images videos audios tools objects prompt_id request_id response_token_ids response_loss_mask rollout_logprobs
    finish_reason add_eos rollout_infos routed_experts teacher_prompt teacher_images teacher_messages encoded extra
    is_truncated dataset trainer_state completions solution response answer output label channel margin
"""
THOUGHT = "<think>\nhm\n</think>\n\nAction: "


@pytest.fixture
def joinery(tmp_path: Path) -> Joinery:
    """max 3 chairs + 2 tables, labor >= 40 where <= 40 was meant, wood <= 30."""
    folder = tmp_path / "set"
    folder.mkdir()
    for file, sense in (("clean.lp", "<="), ("broken.lp", ">=")):
        model = GurobiModel.build("joinery", {"chairs": 3.0, "tables": 2.0}, maximize=True)
        model.add_row("labor", {"chairs": 1.0, "tables": 1.0}, sense, 40)
        model.add_row("wood", {"chairs": 1.0, "tables": 1.0}, "<=", 30)
        model.write(folder / file)
        model.close()
    problem = Problem(
        problem_id="joinery-1",
        model_file="broken.lp",
        clean_model_file="clean.lp",
        error_type="A",
        repair=("FLIP_SENSE(labor)",),
        original_objective=90.0,
    )
    write_problem_set(folder, [problem])
    return problem, ProblemSet(folder, {"joinery-1": problem})


def played(problems: ProblemSet, problem_id: str, *actions: str, sample: int = 0) -> Episode:
    setting = Setting(rules=Rules(max_steps=4))
    env = setting.environment(problems.get(problem_id), problems.folder)
    attempt = Attempt(env, setting, "model", sample)
    for action in actions:
        attempt.take(PolicyReply(action if action.startswith("no") else THOUGHT + action))
    env.close()
    assert attempt.episode is not None
    return attempt.episode


def config(problems: ProblemSet) -> EnvConfig:
    return EnvConfig(problems=problems.folder, max_steps=4)


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


def test_later_states_are_made_again_and_proved(joinery: Joinery, tmp_path: Path) -> None:
    problem, problems = joinery
    one = played(
        problems, "joinery-1", "GET_IIS()", "no action", "RELAX_CONSTRAINT(wood, 0.5)", "DROP_CONSTRAINT(labor)"
    )
    two = played(problems, "joinery-1", "DROP_CONSTRAINT(nothing)", "DROP_CONSTRAINT(labor)", sample=1)
    out = tmp_path / "grpo.jsonl"
    done = write_prompts(problems, config(problems), out, episodes=[one, two], wanted=Wanted(per_problem=9))
    found = rows(out)
    assert (done.rows, done.later, done.problems) == (5, 4, 1)
    shown = {step.messages_sha256 for episode in (one, two) for step in episode.steps}
    assert {messages_sha256(row["messages"]) for row in found} == shown
    longest = read_env_config(max(found, key=lambda row: row["step"])["env_config"])
    assert longest.decisions() == (
        Action("GET_IIS"),
        InvalidAction("no_action"),
        Action("RELAX_CONSTRAINT", ("wood", 0.5)),
    )
    env = RepairEnv(problem, problems, longest.rules)
    state, _ = env.reset(longest.decisions())
    assert messages_sha256(longest.messages(state)) == longest.prompt_sha256
    env.close()


def test_a_model_that_changed_since_is_noticed(joinery: Joinery, tmp_path: Path) -> None:
    _, problems = joinery
    episode = played(problems, "joinery-1", "DROP_CONSTRAINT(labor)")
    model = problems.folder / "broken.lp"
    model.write_text(model.read_text().replace("40", "50"))
    with pytest.raises(InputError, match="is not the one that was shown"):
        write_prompts(problems, config(problems), tmp_path / "out.jsonl", episodes=[episode])
    assert not (tmp_path / "out.jsonl").exists()


def test_only_what_teaches_of_all_types_alike(generated: Generated, tmp_path: Path) -> None:
    parts = [generated(kind, 2) for kind in "ADI"]
    for part in parts:
        ids = list(part.problems)
        out = tmp_path / "out.jsonl"
        done = write_prompts(part, config(part), out, pass_rates={ids[0]: 0.5, ids[1]: 1.0})
        assert [row["problem"] for row in rows(out)] == ids[:1] and done.dropped == {"always passed": 1}
        with pytest.raises(InputError, match=r"1 never passed, 1 not scored"):
            write_prompts(part, config(part), out, pass_rates={ids[0]: 0.0})


def test_a_limit_draws_all_types_alike(joinery: Joinery, tmp_path: Path) -> None:
    problem, problems = joinery
    kinds = "AAAAAABBD"
    many = {f"p{n}": problem.model_copy(update={"problem_id": f"p{n}", "error_type": t}) for n, t in enumerate(kinds)}
    whole, out = ProblemSet(problems.folder, many), tmp_path / "out.jsonl"
    done = write_prompts(whole, config(whole), out, wanted=Wanted(limit=5))
    assert done.by_type == {"A": 2, "B": 2, "D": 1}
    rates = {name: (place + 1) / 10 for place, name in enumerate(many)}
    write_prompts(whole, config(whole), out, pass_rates=rates, wanted=Wanted(order="easy-to-hard"))
    found = [row["pass_rate"] for row in rows(out)]
    assert found == sorted(found, reverse=True) and len(found) == 9
    with pytest.raises(UsageError, match="there is no run"):
        write_prompts(whole, config(whole), out, wanted=Wanted(order="easy-to-hard"))


def test_no_reserved_column_and_no_answer(generated: Generated, tmp_path: Path) -> None:
    problems, out = generated("A", 2), tmp_path / "out.jsonl"
    write_prompts(problems, config(problems), out)
    for row in rows(out):
        assert not set(row) & set(RESERVED.split())
        problem = problems.get(row["problem"])
        beside = json.dumps({name: value for name, value in row.items() if name != "messages"})
        prompt = "\n".join(message["content"] for message in row["messages"])
        assert [message["role"] for message in row["messages"]] == ["system", "user"]
        for secret in (*problem.repair, *problem.core_repair):
            assert secret not in prompt and secret not in beside
        assert problem.problem_id not in prompt and "root_cause" not in beside + prompt
        assert f"Type: {problem.error_type}" not in prompt


def test_every_row_has_the_same_columns_of_texts_and_numbers(generated: Generated, tmp_path: Path) -> None:
    problems, out = generated("D", 2), tmp_path / "out.jsonl"
    write_prompts(problems, config(problems), out)
    assert len({tuple(row) for row in rows(out)}) == len({tuple(row["env_config"]) for row in rows(out)}) == 1
    for value in rows(out)[0]["env_config"].values():
        assert isinstance(value, str | int | bool)


@pytest.mark.parametrize(
    "past", ["x", "{}", "[1]", '["!sold_out"]', '["DROP_CONSTRAINT"]', '["FLIP_SENSE(wood)"]', '["SUBMIT()"]']
)
def test_a_past_that_cannot_be_carried_out(joinery: Joinery, past: str) -> None:
    problem, problems = joinery
    env = RepairEnv(problem, problems)
    with pytest.raises(InputError):
        env.reset(EnvConfig(problems=problems.folder, past=past).decisions())
    env.close()


def test_a_column_that_is_none_names_the_field() -> None:
    with pytest.raises(InputError, match="env_config: field name"):
        read_env_config({"name": "other", "problems": "x"})
    with pytest.raises(InputError, match="env_config"):
        read_env_config(None)
