"""Families of models, one file each; a new file becomes usable by its line here.

The first four are small and flat, for very small language models; the others are models as practitioners write them.
"""

import random
from collections.abc import Callable

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.families import (
    blending,
    commitment,
    facility,
    knapsack,
    network,
    planning,
    production,
    recipe,
    rostering,
    staffing,
    transport,
    transportation,
)
from ordebug.env.generate.scale import Scale

DrawDraft = Callable[[random.Random, Scale], Draft]
"""Draws a clean model of a size within the scale."""

FAMILIES: dict[str, DrawDraft] = {
    "production": production.draw,
    "blending": blending.draw,
    "staffing": staffing.draw,
    "transport": transport.draw,
    "planning": planning.draw,
    "transportation": transportation.draw,
    "recipe": recipe.draw,
    "rostering": rostering.draw,
    "facility": facility.draw,
    "knapsack": knapsack.draw,
    "network": network.draw,
    "commitment": commitment.draw,
}
