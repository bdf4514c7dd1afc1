from dataclasses import replace
from typing import Any

import pytest

from ordebug.env.episode import Episode, Step
from ordebug.env.problem import Problem
from ordebug.eval.metrics import METRICS, Case, pass_at, pass_sizes, pass_values
from ordebug.eval.quality import Quality

THOUGHT = "<think>\nneed is wrong\n</think>\n\n"


def step(action: str | None, outcome: str = "applied", reply: str | None = None, **fields: Any) -> Step:
    text = f"{THOUGHT}Action: {action}" if reply is None else reply
    values = {"status": "INFEASIBLE", "iis_rows": ("limit", "need"), "messages_sha256": "", "tokens": 10}
    return Step(reply=text, action=action, outcome=outcome, **(values | fields))


def case(
    *steps: Step,
    objective: float | None = None,
    horizon: int = 20,
    auto_submit: bool = True,
    quality: Quality | None = None,
    assessed: bool = False,
    **fields: Any,
) -> Case:
    record = {
        "problem_id": "p",
        "model_file": "p.mps",
        "root_cause": [{"kind": "rhs", "name": "need", "touches": ["need", "extra row"]}],
        "original_objective": 4.0,
    }
    problem = Problem.model_validate(record | fields)
    stop = "max_steps" if objective is None else "recovered"
    episode = Episode(problem_id="p", policy="x", steps=steps, stop=stop, objective=objective)
    return Case(episode, problem, "core", horizon, auto_submit, quality, assessed)


DROP_NEED, DROP_LIMIT = step("DROP_CONSTRAINT(need)"), step("DROP_CONSTRAINT(limit)")
SHOWN = step("GET_IIS()", "shown")
SUBMIT = step("SUBMIT()", "submitted")
NOBODY = step("DROP_CONSTRAINT(nobody)", "unknown_target")
NOISE = step(None, "no_action", reply="hello")

EXPECTED: list[tuple[str, Case, float | None]] = [
    ("rr_at_1", case(DROP_NEED, objective=4.0), 1.0),
    ("rr_at_1", case(DROP_LIMIT, DROP_NEED, objective=4.0), 0.0),
    ("rr_at_5", case(DROP_LIMIT, DROP_NEED, objective=4.0), 1.0),
    ("rr_at_5", case(DROP_LIMIT), 0.0),
    ("rr_at_5", case(DROP_NEED, objective=4.0, horizon=1), None),
    ("rr_at_1", case(DROP_NEED, fewest_actions=1), 0.0),
    ("rr_at_1", case(DROP_LIMIT, DROP_NEED, objective=4.0, fewest_actions=2), None),
    ("rr_at_5", case(DROP_LIMIT, DROP_NEED, objective=4.0, fewest_actions=2), 1.0),
    ("rr_at_1", case(DROP_NEED, SUBMIT, objective=4.0, auto_submit=False), None),
    ("rr_at_5", case(DROP_NEED, SUBMIT, objective=4.0, auto_submit=False), 1.0),
    ("rr_at_5", case(DROP_NEED, fewest_actions=4, auto_submit=False), 0.0),
    ("rr_at_5", case(DROP_NEED, fewest_actions=5, auto_submit=False), None),
    ("root_cause_at_1", case(SHOWN, DROP_NEED, objective=4.0), 1.0),
    ("root_cause_at_1", case(DROP_LIMIT, DROP_NEED), 0.0),
    ("root_cause_at_1", case(step('DROP_CONSTRAINT("extra row")')), 1.0),
    ("root_cause_at_1", case(NOBODY, DROP_NEED), 0.0),
    ("root_cause_at_1", case(step("DROP_CONSTRAINT(need)", "protected")), 0.0),
    ("root_cause_at_1", case(NOISE, SHOWN), 0.0),
    ("root_cause_at_1", case(DROP_NEED, root_cause=[]), None),
    ("op", case(DROP_NEED, objective=4.0), 1.0),
    ("op", case(DROP_NEED, objective=5.0), 0.75),
    ("op", case(DROP_NEED, objective=40.0), 0.0),
    ("op", case(DROP_NEED), 0.0),
    ("op", case(DROP_NEED, objective=4.0, original_objective=None), None),
    ("equivalent", case(DROP_NEED, objective=4.0), None),
    ("equivalent", case(DROP_NEED, objective=4.0, quality=Quality("equivalent")), 1.0),
    ("equivalent", case(DROP_NEED, objective=4.0, quality=Quality("different")), 0.0),
    ("equivalent", case(DROP_NEED, objective=4.0, quality=Quality("unproved")), None),
    ("equivalent", case(DROP_NEED, objective=4.0, quality=Quality()), None),
    ("equivalent", case(DROP_NEED), None),
    ("equivalent", case(DROP_NEED, assessed=True), None),
    ("equivalent", case(DROP_NEED, assessed=True, clean_model_file="c.mps"), 0.0),
    ("edit_cost", case(DROP_NEED, objective=4.0), None),
    ("edit_cost", case(DROP_NEED, objective=4.0, quality=Quality(touched=3, fewest=2)), 1.5),
    ("edit_cost", case(DROP_NEED, objective=4.0, quality=Quality(touched=3)), None),
    ("edit_violation", case(DROP_NEED, objective=4.0, quality=Quality(violation=8.0, least=2.0)), 4.0),
    ("edit_violation", case(DROP_NEED, objective=4.0, quality=Quality(least=2.0)), None),
    ("steps", case(DROP_LIMIT, DROP_NEED), 2.0),
    ("tokens", case(DROP_LIMIT, DROP_NEED), 20.0),
    ("tokens", case(DROP_LIMIT, step("SUBMIT()", "submitted", tokens=None)), None),
    ("action_valid", case(DROP_LIMIT, NOBODY, NOISE, SHOWN), 0.75),
    ("target_exists", case(DROP_LIMIT, NOBODY, NOISE, SHOWN), 0.5),
    ("target_exists", case(NOISE, SHOWN), None),
    ("think_valid", case(DROP_LIMIT, NOISE), 0.5),
    ("think_missing", case(DROP_LIMIT, NOISE), 0.5),
    ("think_empty", case(step("SUBMIT()", reply="<think>\n\n</think>\n\nAction: SUBMIT()")), 1.0),
    ("think_truncated", case(step(None, "no_action", reply="<think>\nso the")), 1.0),
    ("think_malformed", case(step("SUBMIT()", reply="well <think>a</think>Action: SUBMIT()")), 1.0),
    ("da_published", case(DROP_LIMIT), 0.5),
    ("da_published", case(DROP_LIMIT, DROP_NEED, NOBODY), 1.0),
    ("da_published", case(step("SUBMIT()", iis_rows=())), None),
    ("da_published_ceiling", case(DROP_NEED, objective=4.0), 0.5),
    ("da_published_ceiling", case(step("SUBMIT()", iis_rows=())), None),
]


@pytest.mark.parametrize(("name", "found", "value"), EXPECTED)
def test_metric(name: str, found: Case, value: float | None) -> None:
    assert METRICS[name].measure(found) == value


def test_every_metric_has_an_example() -> None:
    assert METRICS.keys() - {name for name, _, _ in EXPECTED} == {"rr_at_10"}


def test_pass_at_k_is_unbiased() -> None:
    assert pass_at(1, 8, 2) == 0.25
    assert pass_at(2, 4, 1) == pytest.approx(0.5)
    assert pass_at(4, 4, 1) == 1.0
    assert pass_at(5, 4, 1) is None


def test_pass_sizes() -> None:
    assert pass_sizes(1) == []
    assert pass_sizes(4) == [1, 2, 4]
    assert pass_sizes(6) == [1, 2, 4, 6]


def test_pass_needs_the_objective_kept() -> None:
    kept, lost = case(DROP_NEED, objective=4.0), case(DROP_NEED, objective=5.0)
    assert pass_values([kept, lost], 1) == {"p": 0.5}
    assert pass_values([kept, lost], 4) == {}


def test_extended_actions_may_repair_in_fewer_steps_than_core_ones() -> None:
    found = case(
        step("SET_COEFFICIENT(need, x, 1)"), objective=4.0, fewest_actions=2, repair=["SET_COEFFICIENT(need, x, 1)"]
    )
    assert METRICS["rr_at_1"].measure(found) is None
    assert METRICS["rr_at_1"].measure(replace(found, actions="extended")) == 1.0
