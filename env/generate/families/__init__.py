"""Families of models, one file each; a new file becomes usable by its line here."""

import random
from collections.abc import Callable

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.families import blending, production, staffing, transport

DrawDraft = Callable[[random.Random, int], Draft]
"""Draws a clean model with that many rows."""

FAMILIES: dict[str, DrawDraft] = {
    "production": production.draw,
    "blending": blending.draw,
    "staffing": staffing.draw,
    "transport": transport.draw,
}
