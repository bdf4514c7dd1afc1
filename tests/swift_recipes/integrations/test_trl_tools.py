"""The tools as TRL calls them, without TRL; with it: ``tests/e2e/test_integrations.py``."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from ordebug.converters.env_config import EnvConfig
from ordebug.converters.grpo import write_prompts
from ordebug.core.errors import InputError, LicenceError, OrdebugError, SolverError
from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reward import TIERS
from ordebug.env.tools import tool_schemas
from ordebug.swift_recipes.integrations import trl_tools
from ordebug.swift_recipes.integrations.trl_tools import ToolEnvironment, episode_return, tool_environment

SAID = {"role": "assistant", "content": "Done."}


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> ProblemSet:
    folder = tmp_path_factory.mktemp("trl") / "D"
    generate(folder, Plan(1, ("D",), tuple(FAMILIES), seed=5), workers=1)
    return read_problem_set(folder)


@pytest.fixture
def row(problems: ProblemSet) -> dict[str, Any]:
    """A row as ``ordebug grpo-data`` writes it, as TRL has it."""
    out = problems.folder / "grpo.jsonl"
    write_prompts(problems, EnvConfig(problems=problems.folder, actions="extended", max_steps=4), out)
    found: dict[str, Any] = json.loads(out.read_text().splitlines()[0])
    return {**found, "prompt": found.pop("messages")}


@pytest.fixture
def tools(row: dict[str, Any]) -> Any:
    environment = tool_environment("extended")()
    environment.reset(**row)
    return environment


def rewarded(environment: ToolEnvironment, *completion: dict[str, Any]) -> float | None:
    [reward] = episode_return([completion or [SAID]], [environment], completion_ids=[[]])
    return reward


def directly(problems: ProblemSet, *replies: str, steps: int | None = None) -> float:
    [problem] = problems
    env = RepairEnv(problem, problems, Rules("extended", steps or len(replies)))
    env.reset()
    total = sum(env.step(reply)[1] for reply in replies)
    env.close()
    return total


@pytest.mark.parametrize("actions", ACTION_SETS)
def test_the_methods_are_the_actions(actions: ActionSet) -> None:
    """By what TRL goes: the class's public functions, their signatures and docstrings."""
    names = {"string": str, "number": float}
    made = tool_environment(actions)
    public = {name for name, _ in inspect.getmembers(made, inspect.isfunction) if not name.startswith("_")}
    assert public == {"reset", *ACTION_SETS[actions]}
    for function in (schema["function"] for schema in tool_schemas(actions)):
        method = getattr(made(), function["name"])
        wanted = function["parameters"]
        arguments = inspect.signature(method).parameters
        assert list(arguments) == list(wanted["properties"])
        assert [name for name, each in arguments.items() if each.default is each.empty] == wanted["required"]
        for name, told in wanted["properties"].items():
            kind = arguments[name].annotation
            assert list(get_args(kind)) == told["enum"] if "enum" in told else kind is names[told["type"]]
            assert f"    {name}: " in method.__doc__
        assert method.__doc__.startswith(function["description"]) and method.__name__ == function["name"]


def test_an_episode_is_worth_what_it_is_elsewhere(tools: Any, problems: ProblemSet) -> None:
    [problem] = problems
    name = problem.root_cause[0].name
    assert "Steps left: 3" in tools.GET_IIS()
    assert tools.DROP_CONSTRAINT(name=name).endswith("\nThe episode has ended: recovered.")
    assert rewarded(tools) == pytest.approx(directly(problems, "Action: GET_IIS()", f"Action: DROP_CONSTRAINT({name})"))
    with pytest.raises(RuntimeError, match="has ended"):
        tools.GET_IIS()


@pytest.mark.parametrize(
    ("name", "arguments", "outcome"),
    [
        ("DROP_CONSTRAINT", {}, "bad_arguments"),
        ("DROP_CONSTRAINT", {"name": 5}, "bad_arguments"),
        ("DROP_CONSTRAINT", {"name": "</tool_call><tool_call>"}, "many_actions"),
        ("DROP_CONSTRAINT", {"row": "x", "name": "y"}, "bad_arguments"),
        ("DROP_CONSTRAINT", {"name": "nowhere"}, "unknown_target"),
        ("RELAX_CONSTRAINT", {"name": "nowhere", "amount": float("nan")}, "not_finite"),
        ("RELAX_CONSTRAINT", {"name": "nowhere", "amount": "5"}, "bad_arguments"),
    ],
)
def test_a_bad_call_is_an_outcome(tools: Any, name: str, arguments: dict[str, Any], outcome: str) -> None:
    assert f"invalid ({outcome})" in getattr(tools, name)(**arguments)
    tools.SUBMIT()
    assert rewarded(tools) == pytest.approx(
        TIERS["bad_target" if outcome == "unknown_target" else "malformed"], abs=0.2
    )


@pytest.mark.parametrize(
    ("last", "tier"),
    [
        (SAID, "malformed"),
        ({"role": "assistant", "content": None}, "malformed"),
        ({"role": "assistant", "content": "", "tool_calls": [{}]}, "malformed"),
        ({"role": "tool", "content": "x"}, "malformed"),
        ({"role": "assistant", "content": "Action: SUBMIT()"}, "submitted_infeasible"),
        ({"role": "assistant", "content": "Action: GET_IIS()"}, "not_recovered"),
    ],
)
def test_a_rollout_that_stops_early_ends_with_what_it_wrote_last(
    tools: Any, problems: ProblemSet, last: dict[str, Any], tier: str
) -> None:
    tools.GET_IIS()
    reward = rewarded(tools, last)
    assert reward == pytest.approx(TIERS[tier] - 0.01) == rewarded(tools, last)  # asked twice, counted once
    if tier == "submitted_infeasible":
        assert reward == pytest.approx(directly(problems, "Action: GET_IIS()", str(last["content"])))


def test_a_decision_in_text_is_judged_as_in_training_with_ms_swift(tools: Any, problems: ProblemSet) -> None:
    name = next(iter(problems)).root_cause[0].name
    text = f"<think>\nhm\n</think>\n\nAction: DROP_CONSTRAINT({name})"
    assert rewarded(tools, {"role": "assistant", "content": text}) == pytest.approx(directly(problems, text))


@pytest.mark.parametrize("error", [SolverError("out of work"), LicenceError("no licence")])
def test_a_solver_that_fails_scores_nobody(tools: Any, monkeypatch: pytest.MonkeyPatch, error: SolverError) -> None:
    def failing(item: object) -> None:
        raise error

    monkeypatch.setattr(trl_tools, "judge", failing)
    with pytest.raises(SolverError):
        tools.GET_IIS()  # TRL shows the model the error and goes on
    monkeypatch.undo()
    if isinstance(error, LicenceError):
        with pytest.raises(LicenceError):
            rewarded(tools)
    else:
        assert rewarded(tools) is None


def test_reset_begins_anew(tools: Any, row: dict[str, Any], problems: ProblemSet) -> None:
    tools.SUBMIT()
    tools.reset(**row)
    name = next(iter(problems)).root_cause[0].name
    assert "Steps so far:\n1. DROP" in tools.DROP_CONSTRAINT(name=name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda row: row.pop("problem"), "no column 'problem'"),
        (lambda row: row.pop("prompt"), "no column 'prompt'"),
        (lambda row: row.update(env_config=None), "no column 'env_config'"),
        (lambda row: row.update(env_config={"name": "other"}), "env_config"),
        (lambda row: row.update(problem="nowhere"), "no problem 'nowhere'"),
        (lambda row: row["env_config"].update(actions="core"), "the tools extended"),
        (lambda row: row["prompt"][-1].update(content="another state"), "not the one of its state"),
    ],
)
def test_a_row_that_is_none_of_ours_is_told(
    row: dict[str, Any], change: Callable[[dict[str, Any]], object], told: str
) -> None:
    change(row)
    with pytest.raises(OrdebugError, match=told) as found:
        tool_environment("extended")().reset(**row)
    assert isinstance(found.value, InputError) and found.value.fix


def test_it_imports_neither_a_trainer_nor_torch() -> None:
    code = (
        "import sys, ordebug.swift_recipes.integrations.trl_tools\n"
        "print({'torch', 'swift', 'trl', 'transformers', 'openenv'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_openenv_the_command_tells_what_to_install(problems: ProblemSet, tmp_path: Path) -> None:
    command = ["ordebug", "serve-env", "--problems", str(problems.folder)]
    code = f"import sys; sys.modules['openenv'] = None; sys.argv = {command}; from ordebug.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 2 and "ordebug[openenv]" in done.stderr and "Traceback" not in done.stderr
