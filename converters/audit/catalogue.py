"""The kinds of finding: how grave each is, what it means and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Words:
    """How a kind is told; figures of the finding stand in braces."""

    severity: Severity
    title: str
    advice: str


FORMAT = "Give each output one block <think>...</think> at its start, then one line 'Action: NAME(...)'."
ACTIONS = "Mend or drop these rows; if they use another action set, give it with --actions."
KINDS: dict[str, Words] = {
    # rows that cannot be read
    "unreadable": Words("error", "rows cannot be read", "Mend or drop them; ordebug data convert leaves them out."),
    "mixed_formats": Words(
        "warning", "rows of several formats: {formats}", "Convert each format on its own, then mix."
    ),
    # the thought
    "think_missing": Words("warning", "the output has no thought", "Add one, or train a model that does not think."),
    "think_empty": Words(
        "warning", "the thought is empty", "Add one: ms-swift may leave empty thoughts out of the loss."
    ),
    "think_truncated": Words("error", "<think> is opened and never closed", FORMAT),
    "think_several": Words("error", "more than one thought", FORMAT),
    "think_text_before": Words("error", "text before the thought", FORMAT),
    "unopened_thought": Words("warning", "</think> without <think>", "ordebug data convert adds the tag."),
    # the action, by the one parser
    "no_action": Words("error", "no line reads 'Action: NAME(...)' after the thought", ACTIONS),
    "many_actions": Words("error", "more than one action", "One decision a row: make a row of each step."),
    "unknown_action": Words("error", "the action is not in the action set", ACTIONS),
    "bad_arguments": Words("error", "the action's arguments are too few, too many or of the wrong kind", ACTIONS),
    "not_finite": Words("error", "a number is not finite", ACTIONS),
    "truncated": Words("error", "the output was cut off", "Make these rows again with a larger token limit."),
    "unknown_target": Words("error", "the action's target stands nowhere in the prompt", "Mend or drop these rows."),
    "target_not_shown": Words(
        "warning",
        "the action's target is among the names that the prompt leaves out",
        "Drop these rows, or show the names: the model can only guess it.",
    ),
    "protected": Words("error", "the action's target is protected", "Drop these rows: the environment refuses them."),
    "lenient_action": Words(
        "warning",
        "only the published parser reads the action",
        "Write it in the canonical form: a surplus argument or a sign is learned as it stands.",
    ),
    "text_before_action": Words("note", "text between the thought and the action", "Move it into the thought."),
    "text_after_action": Words("warning", "text after the action", "Take it out, or the model talks on."),
    # texts
    "unsafe_text": Words("warning", "control tokens or characters", "ordebug data convert shows them as plain text."),
    "line_ends": Words("note", "carriage returns", "ordebug data convert takes them out."),
    "end_token": Words("note", "an end-of-turn token at the output's end", "ordebug data convert takes it off."),
    "no_problem_id": Words(
        "warning", "the row names no problem", "Add problem_id: without it a split cannot keep a problem in one part."
    ),
    "system_replaced": Words("note", "the row has a system text of its own", "ordebug data convert replaces it."),
    "unknown_problem": Words(
        "warning", "no problem of that id in {problems}", "These rows cannot be verified: find their problems."
    ),
    # lengths
    "too_long": Words(
        "warning",
        "longer than --max-length {max_length}: {loses_action} would lose their action",
        "Raise --max-length to {longest}; ms-swift drops longer rows (truncation_strategy delete).",
    ),
    "lengths_unknown": Words("note", "Qwen's tokens are not installed; lengths are in characters", "{fix}"),
    # copies
    "duplicate": Words("warning", "the same prompt and output as an earlier row", "Keep one of each."),
    "near_duplicate": Words(
        "warning",
        "the prompt equals another problem's when names and numbers are masked",
        "Keep such rows in one part: ordebug data split groups them.",
    ),
    "conflicting_actions": Words(
        "warning",
        "inputs with different actions: training reaches {best_accuracy:.1%} at most, {best_without_id:.1%} if the "
        "problem's id tells nothing",
        "Keep the better action of each (ordebug data verify), or show what tells the states apart.",
    ),
    # leaks
    "label_leak": Words(
        "error",
        "the prompt tells the error type ('Type: X')",
        "Render the prompts anew: ordebug data convert --profile names or algebra --problems DIR.",
    ),
    "name_leak": Words(
        "warning",
        "the target is found by its name alone",
        "Rename what was injected, or the model learns the name and not the algebra.",
    ),
    "name_rule": Words(
        "warning",
        "a rule that knows name patterns alone is right in {accuracy:.1%} of the rows with a choice",
        "Compare the trained model with this rule; rename the rows to end it.",
    ),
    "place_leak": Words(
        "warning",
        "the {place} row of the conflict is the target in {accuracy:.1%} of the rows with a choice",
        "Compare the trained model with this rule; shuffle the conflict's rows to end it.",
    ),
    # distribution
    "no_get_iis_or_submit": Words(
        "warning",
        "no row teaches {absent}",
        "Fine where the conflict is always shown and episodes end by themselves; otherwise add such rows.",
    ),
    "unused_actions": Words("note", "the action set has actions that no row uses: {unused}", "Expect none of them."),
    "few_templates": Words(
        "warning",
        "{distinct} thoughts are left when names and numbers are masked, as good as {effective:.1f} equally frequent",
        "Such a thought carries no reasoning: use a teacher's own, or ordebug sft-data.",
    ),
    # what the thought says
    "step_without_history": Words(
        "warning",
        "the thought says 'Step {{N}}', N > 1, and the prompt shows no earlier step",
        "Show the earlier steps in the prompt, or take the number out: the model can only guess it.",
    ),
    "name_not_shown": Words("warning", "the thought names what the prompt does not", "Mend or drop these rows."),
    "number_not_shown": Words(
        "warning",
        "the thought has a number that neither the prompt nor the action has",
        "Check that it follows from the prompt; else the model learns to invent numbers.",
    ),
    "names_elided": Words(
        "note",
        "the prompt leaves out names of rows",
        "The model cannot name them; the conflict's own rows are always shown.",
    ),
}


def known(kind: str) -> Words:
    """The words of a kind; one that a converter reports and nobody described here is a warning under its own name."""
    return KINDS.get(kind) or Words("warning", kind.replace("_", " "), "See ordebug data convert.")
