import json
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.messages import assistant_text
from ordebug.converters.verify.decision import read_decisions
from ordebug.converters.verify.replay import Task, replay
from ordebug.converters.verify.stage import BareStage, PlayedStage
from ordebug.converters.verify.tally import Tally
from ordebug.converters.verify.verification import Verification, verify
from ordebug.core.errors import InputError, UsageError
from ordebug.env.action import Action, ActionSet
from ordebug.env.problem_set import read_problem_set
from ordebug.env.renderer import render
from ordebug.env.repair_env import RepairEnv, Rules

DROP = "Action: DROP_CONSTRAINT(labor)"


def sft_row(folder: Path, action: str, past: tuple[str, ...] = (), actions: ActionSet = "core") -> dict[str, Any]:
    """A row as sft-data writes it: the prompt of the state that earlier steps lead to."""
    problems = read_problem_set(folder)
    env = RepairEnv(problems.get("stool"), problems, Rules(actions, auto_submit=False))
    env.reset()
    for text in past:
        env.step(f"Action: {text}")
    messages = [*render(env.observe(), "algebra", actions)]
    env.close()
    messages.append({"role": "assistant", "content": assistant_text("so", action)})
    return {"messages": messages, "problem_id": "stool", "step": len(past) + 1, "error_type": "A", "own": 1.0}


def alpaca_row(action: str, problem_id: str = "stool", rows: str = "['labor', 'plan']") -> dict[str, Any]:
    text = f"## Problem\nID: {problem_id}\nType: A\n\nConflicting Constraints: {rows}"
    return {"instruction": "Debug.", "input": text, "output": assistant_text("so", action)}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def run(folder: Path, rows: list[Any], **asked: Any) -> Tally:
    return verify(Verification(write(folder / "rows.jsonl", rows), folder, **asked))


def test_counts(stool_folder: Path) -> None:
    rows = [
        alpaca_row(DROP),
        alpaca_row(DROP),
        alpaca_row("Action: DROP_CONSTRAINT(plan)", rows="['labor', 'wood']"),
        alpaca_row("Action: RELAX_CONSTRAINT(labor, 1)"),
        alpaca_row("Action: DROP_CONSTRAINT(nothing)"),
        alpaca_row("I give up."),
        alpaca_row(DROP, problem_id="table"),
        "5",
    ]
    overall = run(stool_folder, rows).overall
    assert (overall.rows, overall.replayed, overall.infeasible) == (8, 6, 6)
    assert overall.not_replayed == {"no_problem": 1, "unreadable": 1}
    assert (overall.iis_printed, overall.iis_matches) == (6, 5)
    assert overall.outcomes == {"applied": 4, "unknown_target": 1, "no_action": 1}
    assert overall.restores == 3
    assert (overall.root_cause_known, overall.root_cause_hits) == (6, 3)
    assert overall.op_known == 6
    # without labor the optimum is the clean one, 3 * 12 + 2 * 13 = 62; without plan it is 3 * 12 + 2 * 24 = 84
    assert overall.op_mean == pytest.approx((1 + 1 + 1 - 22 / 62) / 6)


def test_equivalence_is_proved_where_asked(stool_folder: Path) -> None:
    row = sft_row(stool_folder, "Action: FLIP_SENSE(labor)", actions="extended")
    assert run(stool_folder, [row]).overall.equivalence == {}
    assert run(stool_folder, [row], equivalence=True).overall.equivalence == {"equivalent": 1}
    kept = run(stool_folder, [row, sft_row(stool_folder, "Action: DROP_CONSTRAINT(plan)")], require=["equivalent"])
    assert (kept.kept, kept.failed) == (1, 1)


def test_later_steps_are_replayed_from_what_their_prompt_tells(stool_folder: Path) -> None:
    later = sft_row(stool_folder, DROP, past=("GET_IIS()", "DROP_CONSTRAINT(wood)", "nonsense"))
    submits = sft_row(stool_folder, "Action: SUBMIT()", past=("DROP_CONSTRAINT(labor)",))
    gives_up = sft_row(stool_folder, "Action: SUBMIT()")
    tally = run(stool_folder, [later, submits, gives_up, sft_row(stool_folder, "Action: GET_IIS()")])
    assert tally.overall.replayed == 4
    assert tally.overall.outcomes == {"applied": 1, "submitted": 2, "shown": 1}
    assert (tally.overall.restores, tally.overall.iis_matches, tally.overall.iis_printed) == (2, 3, 3)


def test_a_later_step_without_its_past_is_not_held_against_the_row(stool_folder: Path) -> None:
    row = {**sft_row(stool_folder, DROP), "step": 3}
    told = sft_row(stool_folder, DROP, past=("DROP_CONSTRAINT(wood)",))
    told["messages"][1]["content"] = told["messages"][1]["content"].replace("(wood): still inf", "(labor): still inf")
    tally = run(stool_folder, [row, told])
    assert tally.overall.not_replayed == {"later_step": 1, "past_differs": 1}
    assert tally.failed == 0


def test_a_first_step_on_a_cause_holds_where_more_are_needed(stool_folder: Path) -> None:
    file = stool_folder / "problems.jsonl"
    file.write_text(file.read_text().replace('"fewest_actions": 1', '"fewest_actions": 2'))
    rows = [alpaca_row("Action: RELAX_CONSTRAINT(labor, 1)"), alpaca_row("Action: RELAX_CONSTRAINT(plan, 1)")]
    tally = run(stool_folder, rows)
    assert (tally.overall.restores, tally.overall.more_needed) == (0, 2)
    assert (tally.kept, tally.failed) == (1, 1)


def test_sorted_rows_keep_their_bytes(stool_folder: Path) -> None:
    good = json.dumps(sft_row(stool_folder, DROP)).replace('"own": 1.0', '"own":1.00,  "é": "\\u00e9"')
    bad = json.dumps(sft_row(stool_folder, "Action: DROP_CONSTRAINT(wood)"))
    broken, ending = '{"messages": ', json.dumps(alpaca_row(DROP, problem_id="table"))
    keep, reject = stool_folder / "good.jsonl", stool_folder / "bad.jsonl"
    run(stool_folder, [good, bad, broken, ending], keep=keep, reject=reject)
    assert keep.read_text() == good + "\n"
    told = [json.loads(line) for line in reject.read_text().splitlines()]
    assert f'"row": {bad}}}' in reject.read_text()
    assert [row["reasons"] for row in told] == [
        ["restores: applied, the model is infeasible"],
        ["not replayed, unreadable: not JSON (Expecting value at column 1)"],
        [f"not replayed, no_problem: {stool_folder} has no problem 'table'"],
    ]
    assert told[1]["row"] == broken
    assert told[0]["place"].endswith("rows.jsonl:2")


def test_rows_of_a_document_are_written_by_value(stool_folder: Path) -> None:
    path, keep = stool_folder / "rows.json", stool_folder / "good.jsonl"
    path.write_text(json.dumps({"data": [alpaca_row(DROP), alpaca_row("Action: SUBMIT()")]}, indent=1))
    verify(Verification(path, stool_folder, keep=keep))
    assert [json.loads(line) for line in keep.read_text().splitlines()] == [alpaca_row(DROP)]


@pytest.mark.parametrize(
    ("require", "kept"),
    [
        (["applies"], 3),
        (["restores"], 2),
        (["root_cause"], 1),
        (["iis"], 3),
        (["op>=0.9"], 1),
        (["op >= 0"], 2),
        (["restores", "root_cause"], 1),
    ],
)
def test_conditions(stool_folder: Path, require: list[str], kept: int) -> None:
    names = ("DROP_CONSTRAINT(labor)", "DROP_CONSTRAINT(plan)", "DROP_CONSTRAINT(wood)", "DROP_CONSTRAINT(no)")
    rows = [alpaca_row(f"Action: {name}") for name in names[:3]]
    rows.append(alpaca_row(f"Action: {names[3]}", rows="['wood']"))
    bounds = "\nConflicting Bounds: []"
    for row in rows:
        row["input"] += bounds
    assert run(stool_folder, rows, require=require).kept == kept


@pytest.mark.parametrize("name", ["good", "op>=2", "op>=x", "op>=nan", "op>", "", "root cause"])
def test_an_unknown_condition_names_the_choices(stool_folder: Path, name: str) -> None:
    with pytest.raises(UsageError) as error:
        run(stool_folder, [alpaca_row(DROP)], require=[name])
    assert "op>=" in error.value.fix


def test_outputs_over_the_input_are_refused(stool_folder: Path) -> None:
    path = stool_folder / "rows.jsonl"
    with pytest.raises(UsageError, match="the input itself"):
        run(stool_folder, [alpaca_row(DROP)], keep=path)
    with pytest.raises(UsageError, match="are one file"):
        run(stool_folder, [alpaca_row(DROP)], keep=stool_folder / "a", reject=stool_folder / "a")


@pytest.mark.parametrize("rows", [["{}"], ['{"text": "a"}']])
def test_a_file_of_no_known_format(stool_folder: Path, rows: list[str]) -> None:
    with pytest.raises(InputError):
        run(stool_folder, rows)


def test_a_model_that_cannot_be_read_costs_its_rows_alone(stool_folder: Path) -> None:
    (stool_folder / "stool.lp").write_text("no model")
    tally = run(stool_folder, [alpaca_row(DROP), sft_row_of_nothing()])
    assert tally.overall.not_replayed == {"no_model": 1, "unreadable": 1}


def sft_row_of_nothing() -> dict[str, Any]:
    return {"messages": [], "problem_id": "stool"}


def test_findings_do_not_depend_on_workers(stool_folder: Path) -> None:
    record = json.loads((stool_folder / "problems.jsonl").read_text())
    others = [json.dumps({**record, "problem_id": f"stool{number}"}) for number in range(3)]
    (stool_folder / "problems.jsonl").write_text("".join(f"{line}\n" for line in [json.dumps(record), *others]))
    rows = [alpaca_row(DROP, problem_id=f"stool{number}") for number in range(3)]
    told = [run(stool_folder, rows, workers=workers).as_json() for workers in (1, 2)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("file", "rows", "replayed", "restores", "matches"),
    [("sft_gpt52chat", 774, 741, 611, 704), ("sft_heuristic", 4442, 4156, 4123, 3737)],
)
def test_the_published_rows(
    public_bench: Path, file: str, rows: int, replayed: int, restores: int, matches: int
) -> None:
    tally = verify(Verification(public_bench / f"sft/{file}.json", public_bench / "problems/full"))
    overall = tally.overall
    assert (overall.rows, overall.replayed, overall.infeasible) == (rows, replayed, replayed)
    assert overall.not_replayed == {"no_problem": rows - replayed}
    assert (overall.restores, overall.iis_matches) == (restores, matches)


def test_the_bare_path_finds_what_the_environment_finds(public_bench: Path) -> None:
    problems = read_problem_set(public_bench / "problems/full")
    reads = list(read_decisions(public_bench / "sft/sft_gpt52chat.json", None))[::8]
    compared = 0
    for read in reads:
        decision = read.decision
        if decision is None or decision.problem_id not in problems.problems:
            continue
        problem = problems.get(decision.problem_id)
        played = PlayedStage(problem, problems)
        state, tried = played.shown(decision), played.tried(decision)
        bare = BareStage(problem, problems, [decision])
        assert bare.shown(decision).conflict == state.conflict
        found = bare.tried(decision)
        assert (found.outcome, found.solution.status) == (tried.outcome, tried.solution.status)
        assert (found.solution.objective or 0) == pytest.approx(tried.solution.objective or 0, rel=1e-6)
        played.close()
        bare.close()
        compared += 1
    assert compared > 80


def test_several_rows_of_one_problem_share_its_start(stool_folder: Path) -> None:
    path = write(stool_folder / "rows.jsonl", [alpaca_row(DROP), alpaca_row("Action: DROP_CONSTRAINT(plan)")] * 2)
    decisions = tuple(read.decision for read in read_decisions(path, None) if read.decision)
    problems = read_problem_set(stool_folder)
    found = replay(Task(problems.get("stool"), problems, decisions))
    assert found[:2] == found[2:]
    assert [finding.restores for finding in found] == [True] * 4
    assert isinstance(decisions[0].action, Action)
