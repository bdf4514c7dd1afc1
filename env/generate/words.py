"""A model in words: what each row is for and its limit as it was meant."""

import random
from dataclasses import replace

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults.fault import Fault
from ordebug.env.generate.flat import draw_row

DECOY_SHARE = 0.4


def describe(draft: Draft, fault: Fault, rng: random.Random) -> str:
    """The description, its lines in random order behind the opening.

    Now and then a withdrawn requirement is told of that did leave the model.
    """
    lines = [*draft.lines(), *fault.said]
    spare = [line for line in draft.spare if line.name not in fault.touched]
    if spare and rng.random() < DECOY_SHARE:
        point = {variable: rng.randint(1, 9) for variable in draft.objective}
        name, unit, about = rng.choice(spare)
        decoy = draw_row(rng, name, unit, point, (1, 2, 3), rng.choice(("<=", ">=")))
        lines.append(replace(decoy, about=about).said(withdrawn=True))
    return "\n".join([draft.opening, *rng.sample(lines, len(lines))])
