import json
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, LicenceError, UsageError
from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.explanation import said
from ordebug.env.generate import generator
from ordebug.env.generate.generator import check, generate
from ordebug.env.generate.plan import Plan
from ordebug.env.generate.proof import failed_claims
from ordebug.env.generate.scale import Scale
from ordebug.env.observation import Observation
from ordebug.env.policies import Turn, dice, oracle
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, read_problem_set, select
from ordebug.env.repair_env import RepairEnv
from ordebug.env.solvers.gurobi import GurobiModel

COUNT = 120
FLAT = ("production", "blending", "staffing", "transport")


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> ProblemSet:
    folder = tmp_path_factory.mktemp("set")
    generate(folder, Plan(COUNT, ("A", "D"), FLAT, seed=3), workers=1)
    return read_problem_set(folder)


@pytest.fixture(scope="module")
def starts(problems: ProblemSet) -> list[tuple[Problem, Observation]]:
    return [(problem, RepairEnv(problem, problems).reset()[0]) for problem in problems]


def test_types_and_families_are_shared_out(problems: ProblemSet) -> None:
    assert Counter(problem.error_type for problem in problems) == {"A": COUNT // 2, "D": COUNT // 2}
    assert {problem.family for problem in problems} == set(FLAT)


def test_every_claim_holds_and_a_lie_is_found(problems: ProblemSet) -> None:
    assert [claims for _, claims in check(problems, workers=1) if claims] == []
    problem = next(iter(problems))
    other = next(name for name in RepairEnv(problem, problems).reset()[0].row_names if name not in problem.touched)
    cause = problem.root_cause[0]
    lies = [
        {"original_objective": -1.0},
        {"root_cause": [cause.model_copy(update={"name": other, "touches": (other,)})]},
        {"error_type": "D" if problem.error_type == "A" else "A"},
        {"repair": ()},
        {"description": "A joinery plans."},
        {"model_file": problem.clean_model_file},
    ]
    for lie in lies:
        told = ProblemSet(problems.folder, {"p": problem.model_copy(update=lie)})
        assert next(check(told, workers=1))[1], lie


def test_the_description_disagrees_with_the_cause_alone(starts: list[tuple[Problem, Observation]]) -> None:
    meant = {"at most": "<=", "at least": ">=", "exactly": "="}
    for problem, observation in starts:
        odd = {
            name
            for name, view in observation.rows.items()
            if meant.get(str(said(name, problem.description))) != view.sense
        }
        assert odd == {problem.root_cause[0].name}


def test_a_set_difference_is_no_answer(starts: list[tuple[Problem, Observation]]) -> None:
    """Every row is described, and withdrawn requirements are told of that did leave the model."""
    decoys = 0
    for problem, observation in starts:
        told = [line.partition(":") for line in str(problem.description).splitlines()[1:]]
        assert {name for name, _, _ in told} >= set(observation.row_names)
        decoys += any(text.startswith(" withdrawn") and name not in observation.row_names for name, _, text in told)
    assert decoys > COUNT // 5


def test_neither_place_nor_sense_nor_name_gives_the_cause_away(starts: list[tuple[Problem, Observation]]) -> None:
    """Guesses that do not read the description stay near chance (a half to a third)."""
    hits: Counter[str] = Counter()
    for problem, observation in starts:
        rows, cause = observation.conflict.rows, problem.root_cause[0].name
        senses = [observation.rows[name].sense for name in rows]
        lone = [name for name, sense in zip(rows, senses, strict=True) if senses.count(sense) == 1] or list(rows)
        hits["first"] += rows[0] == cause
        hits["last"] += rows[-1] == cause
        hits["lone sense"] += lone[0] == cause
        hits["alphabet"] += min(rows) == cause
    assert max(hits.values()) / COUNT < 0.6 and min(hits.values()) / COUNT > 0.15, hits


def test_the_oracle_recovers_every_problem_and_names_the_evidence(problems: ProblemSet) -> None:
    for problem in problems:
        env = RepairEnv(problem, problems)
        observation, _ = env.reset()
        reply = oracle(Turn(observation, problem, "core", dice(0, problem.problem_id, 0)))
        assert reply.count("wrong") == 1 and reply.endswith(f"Action: DROP_CONSTRAINT({problem.root_cause[0].name})")
        *_, info = env.step(reply)
        assert info["stop"] == "recovered"
        assert problem.error_type == "A" or info["terms"]["tier"] == "equivalent"


def test_dropping_a_turned_row_keeps_the_optimum(problems: ProblemSet) -> None:
    """Turned round it is infeasible, so the other rows imply what it meant: without it nothing is lost."""
    for problem in problems:
        if problem.error_type == "A":
            env = RepairEnv(problem, problems)
            env.reset()
            *_, info = env.step(f"Action: DROP_CONSTRAINT({problem.root_cause[0].name})")
            assert info["objective"] == pytest.approx(problem.original_objective)


def test_sets_are_the_same_whatever_the_workers_and_share_no_base_across_seeds(tmp_path: Path) -> None:
    for name, seed, workers in (("one", 5, 1), ("two", 5, 2), ("other", 6, 1)):
        plan = Plan(20, ("A", "B", "D", "E"), ("production", "planning", "commitment"), seed=seed)
        generate(tmp_path / name, plan, workers)
    one, two, other = (read_problem_set(tmp_path / name) for name in ("one", "two", "other"))
    assert list(one) == list(two)
    assert (tmp_path / "one/generation.json").read_text() == (tmp_path / "two/generation.json").read_text()
    assert {path.name for path in (tmp_path / "one/models").iterdir()} == {
        Path(str(name)).name for problem in one for name in (problem.model_file, problem.clean_model_file)
    }
    assert {problem.base_id for problem in one}.isdisjoint(problem.base_id for problem in other)
    for problem in one:
        assert one.model_path(problem).read_text() == two.model_path(problem).read_text()


def test_orders_that_cannot_be_met_say_why(tmp_path: Path) -> None:
    ask = Plan(1, ("A",), ("production",))
    changes: list[tuple[dict[str, Any], str]] = [
        ({"types": ("Z",)}, "error type Z"),
        ({"families": ("x",)}, "family x"),
        ({"count": 0}, "--count 0"),
        ({"scale": Scale(rows=range(1, 99))}, "number of rows"),
        ({"scale": Scale(variables=range(1, 9))}, "number of variables"),
    ]
    for change, says in changes:
        with pytest.raises(UsageError, match=says):
            generate(tmp_path / "new", replace(ask, **change), workers=1)
    generate(tmp_path / "set", ask, workers=1)
    with pytest.raises(UsageError, match="already holds"):
        generate(tmp_path / "set", ask, workers=1)


def test_a_selection_is_a_set_of_its_own(problems: ProblemSet, tmp_path: Path) -> None:
    ids = list(problems.problems)[:3]
    assert select(problems, [*ids, "unknown"], tmp_path / "some") == 3
    assert [claims for _, claims in check(read_problem_set(tmp_path / "some"), workers=1)] == [[], [], []]


def test_a_bad_problem_set_is_named(problems: ProblemSet, tmp_path: Path) -> None:
    from ordebug.core.errors import InputError

    row = {"problem_id": "p", "model_file": "m.mps"}
    cases = [
        ([], "holds no problem"),
        ([row, row], "occurs twice"),
        ([{"problem_id": "p"}], "field model_file"),
        ([{**row, "original_objective": "much"}], "field original_objective"),
    ]
    for number, (rows, says) in enumerate(cases):
        write_rows(tmp_path / str(number) / "problems.jsonl", rows)
        with pytest.raises(InputError, match=says):
            read_problem_set(tmp_path / str(number))
    with pytest.raises(InputError, match="not a problem set"):
        read_problem_set(tmp_path / "nowhere")
    outside = ProblemSet(tmp_path, {"p": Problem(problem_id="p", model_file="../../etc/passwd")})
    with pytest.raises(InputError, match="outside"):
        RepairEnv(outside.get("p"), outside).reset()
    with pytest.raises(InputError, match="no problem 'q'"):
        outside.get("q")


def test_records_keep_fields_they_do_not_know(problems: ProblemSet, tmp_path: Path) -> None:
    _, row = next(iter(read_rows(problems.source)))
    write_rows(tmp_path / "problems.jsonl", [{**row, "note": "kept"}])
    assert json.loads(next(iter(read_problem_set(tmp_path))).model_dump_json())["note"] == "kept"


def test_a_folder_with_files_of_others_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "models" / "mine.mps"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(UsageError, match="without a problem set"):
        generate(tmp_path, Plan(2, ("A",), ("blending",)), 1)
    assert kept.read_text() == "mine"


def test_a_solver_without_licence_blames_no_problem(problems: ProblemSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_licence(path: Path) -> None:
        raise LicenceError("no valid Gurobi licence", "get one")

    monkeypatch.setattr(GurobiModel, "read", no_licence)
    with pytest.raises(LicenceError):
        failed_claims(next(iter(problems)), problems)


def test_published_causes_are_what_was_injected(tmp_path: Path) -> None:
    rows = [
        ("B", "x0", "Change x0 back to INTEGER with UB=10.0, remove _force_x0"),
        ("H", "x1", "The symptom '_symptom_x1' ... Restore x1.LB = 0.0, don't just drop '_symptom_x1'."),
        ("I", "_up", "The upper bound '_up' was tightened, conflicting with '_low'."),
    ]
    records = [
        {"problem_id": kind, "model_file": "m.mps", "error_type": kind, "target_name": name, "ground_truth_fix": fix}
        for kind, name, fix in rows
    ]
    (tmp_path / "dataset.json").write_text(json.dumps({"problems": records}))
    found = read_problem_set(tmp_path)
    assert [found.get(kind).touched for kind in "BHI"] == [{"x0", "_force_x0"}, {"x1"}, {"_up"}]
    assert found.get("H").repair == ("UPDATE_BOUNDS(x1, 0)",) and found.get("B").repair == ()


def test_an_absolute_model_path_is_refused(problems: ProblemSet) -> None:
    problem = next(iter(problems))
    absolute = problem.model_copy(update={"model_file": str((problems.folder / problem.model_file).absolute())})
    with pytest.raises(InputError, match="outside its folder"):
        problems.model_path(absolute)


def test_no_worker_writes_after_the_last_problem_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch holds more than is wanted: what its workers wrote later made the tidying fail, or stayed behind."""
    at_work: list[int] = []
    tidy = generator._tidy

    def watched(folder: Path, problems: Sequence[Problem]) -> None:
        at_work.append(len(multiprocessing.active_children()))
        tidy(folder, problems)

    monkeypatch.setattr(generator, "_tidy", watched)
    generate(tmp_path / "set", Plan(20, ("A", "D"), FLAT, seed=3), workers=2)
    assert at_work == [0]
