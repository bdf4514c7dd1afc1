"""Tool calls in data as ``Action:`` lines: training rows, evaluation and rollouts have one form."""

from ordebug.converters.oddity import Oddity
from ordebug.env.action import Action, ActionSet, action_line
from ordebug.env.reply import CLOSE, parse_answer
from ordebug.env.tools import CLOSE as CALL_CLOSE
from ordebug.env.tools import TOOL_OPEN


def as_action_line(output: str, actions: ActionSet) -> tuple[str, list[Oddity]]:
    """The output with a tool call that is an action written as a line; any other output as it is."""
    head, closed, answer = output.rpartition(CLOSE)
    call = TOOL_OPEN.search(answer)
    action = parse_answer(answer, actions) if call else None
    if call is None or not isinstance(action, Action):
        return output, []
    rest = answer[call.start() :].partition(CALL_CLOSE)[2]
    return f"{head}{closed}{answer[: call.start()]}{action_line(action)}{rest}", [Oddity("tool_call", str(action))]
