"""Error types, one file each; a new file becomes usable by its line here."""

import random
from collections.abc import Callable, Iterator

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults import contradiction, sense
from ordebug.env.generate.faults.fault import Fault, Reach

Inject = Callable[[random.Random, Draft, Reach], Iterator[Fault]]
"""Yields ways to break a draft, in random order; which of them make it infeasible is for the solver to say."""

INJECTIONS: dict[str, Inject] = {"A": sense.inject, "D": contradiction.inject}
