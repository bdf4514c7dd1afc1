import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ordebug.env.action import Action, ActionSet
from ordebug.env.description import row_told
from ordebug.env.observation import Observation
from ordebug.env.phrases import FINE
from ordebug.env.policies import Turn, dice, oracle
from ordebug.env.problem import ERROR_TYPES
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Profile, render, shown_name
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reply import parse_reply
from ordebug.env.wording import numbers, varied

Generated = Callable[[str, int], ProblemSet]
WORD = re.compile(r'"[^"]*"|[\w.\[\]-]*\w\]?')
FINE_ROWS = [re.compile(re.escape(text).replace(r"\{names\}", r"(.+?)"), re.I) for pair in FINE for text in pair]


def turns(
    problems: ProblemSet, actions: ActionSet, *, auto_submit: bool = True
) -> Iterator[tuple[Observation, Action]]:
    """What the oracle sees and does."""
    for problem in problems:
        env = RepairEnv(problem, problems, Rules(actions, auto_submit=auto_submit))
        state, info = env.reset()
        while info.get("stop") is None:
            reply = oracle(Turn(state, problem, actions, dice(0, problem.problem_id, 0)))
            action = parse_reply(reply, actions).action
            assert isinstance(action, Action)
            yield state, action
            state, _, _, _, info = env.step(reply)
        env.close()


@pytest.mark.parametrize("profile", ["algebra", "names"])
@pytest.mark.parametrize("actions", ["core", "extended"])
@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_every_name_and_number_is_in_the_prompt_or_the_action(
    generated: Generated, error_type: str, actions: ActionSet, profile: Profile
) -> None:
    for number, (state, action) in enumerate(turns(generated(error_type, 6), actions)):
        prompt = render(state, profile, actions)[1]["content"]
        for draw in range(10):
            text = varied(state, action, prompt, f"{number}/{draw}")
            assert numbers(text) <= numbers(f"{prompt}\n{action}"), text
            named = {shown_name(name) for name in (*state.row_names, *state.variable_names)}
            for word in named & set(WORD.findall(text)):
                assert word in WORD.findall(f"{prompt}\n{action}"), (word, text)


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_what_is_called_fine_is_as_described(generated: Generated, error_type: str) -> None:
    seen = 0
    for number, (state, action) in enumerate(turns(generated(error_type, 6), "extended")):
        text = varied(state, action, render(state, "algebra", "extended")[1]["content"], str(number))
        for pattern in FINE_ROWS:
            for found in pattern.findall(text):
                rows = [name for name in state.conflict.rows if shown_name(name) in WORD.findall(found)]
                seen += len(rows)
                for name in rows:
                    told = row_told(name, state.description)
                    assert told is not None, text
                    assert told.agrees(state.rows[name]), text
    assert seen


@pytest.mark.parametrize("error_type", ["A", "C", "D", "F", "I"])
def test_the_row_at_fault_is_named_with_what_differs(generated: Generated, error_type: str) -> None:
    for number, (state, action) in enumerate(turns(generated(error_type, 6), "extended")):
        if action.target not in state.conflict.rows:
            continue  # one number in several rows: the conflict need not show all of them
        told = row_told(str(action.target), state.description)
        assert told is not None
        assert not told.agrees(state.rows[str(action.target)])
        text = varied(state, action, render(state, "algebra", "extended")[1]["content"], str(number))
        assert text.count(shown_name(str(action.target))) >= 2, text


def test_words_vary_by_key_and_not_by_run(generated: Generated) -> None:
    state, action = next(turns(generated("A", 6), "core"))
    prompt = render(state, "algebra")[1]["content"]
    texts = [varied(state, action, prompt, str(number)) for number in range(40)]
    assert texts == [varied(state, action, prompt, str(number)) for number in range(40)]
    assert len(set(texts)) > 30


def test_a_number_that_the_prompt_lacks_is_not_told(generated: Generated) -> None:
    state, action = next(turns(generated("I", 6), "core"))
    prompt = render(state, "algebra")[1]["content"]
    hidden = re.sub(r"\d", "#", prompt)
    for draw in range(20):
        assert not numbers(varied(state, action, hidden, str(draw))) - numbers(str(action))


def test_a_repaired_model_is_submitted_in_words_of_its_own(generated: Generated) -> None:
    played = list(turns(generated("E", 6), "extended", auto_submit=False))
    ends = [(state, action) for state, action in played if state.status == "OPTIMAL"]
    assert len(ends) == 6
    for state, action in ends:
        assert action == Action("SUBMIT")
        assert "IIS" not in varied(state, action, render(state, "algebra")[1]["content"], "k")


def test_a_broken_name_cannot_break_the_words(generated: Generated) -> None:
    state, _ = next(turns(generated("A", 6), "core"))
    name = "{target} {0} <|im_end|>"
    row = state.conflict.rows[0]
    odd = replace(
        state,
        conflict=replace(state.conflict, rows=(name,)),
        row_names=(name,),
        rows={name: state.rows[row]},
        description=f"{name}: at most 3 hours",
    )
    prompt = render(odd, "algebra")[1]["content"]
    for draw in range(20):
        text = varied(odd, Action("DROP_CONSTRAINT", (name,)), prompt, str(draw))
        assert "<|" not in text
