"""Phrases of the oracle's varied reasoning; each must be true wherever ``env/wording.py`` uses it."""

OPENINGS = (
    "The rows of the conflict beside the description:",
    "The rows shown cannot all hold.",
    "What does the description say of the conflicting rows?",
    "The conflict is shown; now what was asked for.",
    "The description is set beside the conflict.",
    "The solver finds no point that meets all of these.",
    "Check each row of the conflict against its words.",
    "Together these rows leave no point.",
)
NAMES_ONLY = (
    "{rows} cannot all hold.",
    "The conflict is made of {rows}.",
    "The solver names {rows}.",
    "In the conflict: {rows}.",
    "No point meets all of this: {rows}.",
    "What contradicts itself is {rows}.",
)
FINE = (
    (
        "{names} is as described.",
        "{names} agrees with its words.",
        "the description and the model agree in {names}.",
        "nothing is wrong with {names}.",
        "{names} says what it should.",
        "no difference in {names}.",
    ),
    (
        "{names} are as described.",
        "{names} agree with their words.",
        "the description and the model agree in {names}.",
        "nothing is wrong with {names}.",
        "{names} say what they should.",
        "no difference in {names}.",
    ),
)
UNDESCRIBED = (
    (
        "the description says nothing of {names}.",
        "of {names} nothing is said.",
        "no line tells of {names}.",
        "{names} is not described.",
    ),
    (
        "the description says nothing of {names}.",
        "of {names} nothing is said.",
        "no line tells of {names}.",
        "{names} are not described.",
    ),
)
OTHER_SENSE = (
    "{name} should be {said} and is written {sense}.",
    "{name} is described as {said}, but the model has {sense}.",
    "{name} points the wrong way: {said} in words, {sense} in the model.",
    "the words for {name} are {said}, its sign is {sense}.",
    "what was asked of {name} is {said}, and {sense} is what stands there.",
    "{name} reads {sense} though the description says {said}.",
    "{name} was meant as {said}; {sense} contradicts that.",
    "in {name} the sign is {sense} where {said} was meant.",
)
OTHER_LIMIT = (
    "{name} should be {said} and is limited by {written}.",
    "{name} is described as {said}, but the model has {written}.",
    "the limit of {name} is {written}, described as {said}.",
    "on the right of {name} stands {written} instead of {said}.",
    "{name} was meant as {said}; {written} is written.",
    "the number in {name} is wrong: {said} in words, {written} in the model.",
)
OTHER_COEFFICIENT = (
    "{name} counts {written} per {variable}, described as {said}.",
    "{variable} has {written} in {name} where {said} is described.",
    "{name} should take {said} per {variable} and takes {written}.",
    "the coefficient of {variable} in {name} is {written}, not {said}.",
    "the words for {name} say {said} per {variable}; the model has {written}.",
    "in {name} it is {written} per {variable} instead of {said}.",
)
STRAY_TERM = {
    "lost": (
        "{name} leaves {variable} out, described with {said} per {variable}.",
        "{variable} is missing from {name}: {said} per {variable} is described.",
        "{name} has lost its term of {variable}, {said} in the description.",
        "the description has {said} per {variable} in {name}, the model no such term.",
    ),
    "stray": (
        "{name} has a term of {variable}, {written}, that the description does not know.",
        "{variable} stands in {name} with {written} and is not in its description.",
        "no {variable} is described in {name}, and {written} is written.",
    ),
}
OTHER_VARIABLE = (
    "{name} is described as {said} and written as {written}.",
    "{name} should be {said}, but the model has {written}.",
    "the model makes {name} {written}; the description has {said}.",
    "the model says {written} of {name}, and {said} was meant.",
    "{name} was meant as {said}, not {written}.",
)
WITHDRAWN_ROW = (
    "{name} was withdrawn and still stands in the model.",
    "{name} is withdrawn in the description, yet the model has it.",
    "the description withdrew {name}; the row should be gone.",
    "{name} should not be there: it was withdrawn.",
    "no one asks for {name} any more, it was withdrawn.",
    "the model still holds {name}, which was withdrawn.",
)
NO_OTHER = (
    "The rows shown do not say what is wrong.",
    "So the error does not show in these rows.",
    "No row here differs from what was said of it.",
)
OUTSIDE = (
    "{target} is not shown here, but the repair needs it.",
    "the repair takes {target} as well, which this conflict does not show.",
    "besides what is shown there is {target}.",
)
GIVES_WAY = (
    "{target} is not wrong, but it gives way.",
    "{target} agrees with its words and gives way all the same.",
    "a row that is right has to make room.",
)
NOTHING_LEFT = (
    "The model is feasible and bounded. Nothing is left to repair.",
    "Status OPTIMAL: the repair is done.",
    "The solver finds an optimum now, so this is finished.",
    "No conflict is left. Submit.",
    "It can be solved again. Submit the model.",
    "Feasible and bounded again: submit.",
)
TYPE_NAMES = {"C": "continuous", "I": "integer", "B": "binary"}
CONCLUSIONS = {
    "DROP_CONSTRAINT": (
        "drop {target}.",
        "so {target} goes.",
        "{target} is removed.",
        "without {target} this conflict ends.",
        "take {target} out.",
        "remove {target}.",
    ),
    "RELAX_CONSTRAINT": (
        "relax {target} by {value}.",
        "{target} is loosened by {value}.",
        "so {target} gets {value} more room.",
        "loosen {target} by {value}.",
    ),
    "UPDATE_RHS": (
        "set the limit of {target} to {value}.",
        "put {value} back into {target}.",
        "so {target} gets the limit {value}.",
        "correct {target} to {value}.",
        "the right-hand side of {target} becomes {value}.",
    ),
    "UPDATE_BOUNDS": (
        "set the bounds of {target}: {value}.",
        "{target} gets its bounds back: {value}.",
        "correct the bounds of {target}: {value}.",
        "so the bounds of {target} become {value}.",
    ),
    "FLIP_SENSE": (
        "turn {target} round.",
        "flip {target}.",
        "so the sign of {target} is turned.",
        "{target} is turned round.",
        "the sense of {target} has to be flipped.",
    ),
    "SET_COEFFICIENT": (
        "in {target} set {variable} to {value}.",
        "correct {variable} in {target} to {value}.",
        "give {variable} the coefficient {value} in {target}.",
        "the term of {variable} in {target} becomes {value}.",
    ),
    "SET_TYPE": (
        "make {target} {value}.",
        "{target} becomes {value} again.",
        "so {target} is set to {value}.",
        "change {target} to {value}.",
    ),
    "GET_IIS": (
        "ask for another conflict.",
        "look at another conflict.",
        "so see which other conflict there is.",
        "another conflict may show the error.",
    ),
    "SUBMIT": ("submit.", "nothing more can be done. Submit.", "so submit."),
    "RESET": ("begin again.", "start over from the model as it was."),
    "INSPECT": ("look at {target}.", "inspect {target}."),
    "CHECK_SLACK": ("check {target}.",),
}
"""By action; ``value`` is what its further arguments say."""
