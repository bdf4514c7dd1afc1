"""A clean model built around a plan that satisfies it: every limit is set from what the plan needs.

Rows get random codes for names, so that no name tells what a row is, which way it points, or whether a fault added it;
the description says what each is for.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor, inf

from ordebug.env.generate.draft import Column, Datum, Draft, DraftRow, Spare
from ordebug.env.generate.scale import MOST_VARIABLES
from ordebug.env.observation import Sense

Terms = dict[str, float]
TIGHT_SHARE, TIGHT, LOOSE = 0.6, 0.1, 0.7
PAIRED_SHARE = 0.5
SIDE_TERMS = (2, 4)
SPARE_ROWS = 3
MOST_SIDE_ROWS = 60
CROWD = 150
STEP = 100
"""Limits are rounded to one part of this, away from the plan."""


class Builder:
    """Collects a family's variables and rows.

    Args:
        rng: The dice.
        family: What kind of model it is.
        opening: First line of the description.
        maximize: Whether the objective is maximised.
        topics: What the rows that any plan may have (promises, rules, budgets) can be about.
        unit: What these rows count.
    """

    def __init__(
        self, rng: random.Random, family: str, opening: str, *, maximize: bool, topics: Sequence[str], unit: str
    ) -> None:
        self.rng = rng
        self.plan: dict[str, float] = {}
        self._family, self._opening, self._maximize = family, opening, maximize
        self._topics = rng.sample(list(topics), len(topics))
        self._unit = unit
        self._objective: Terms = {}
        self._columns: dict[str, Column] = {}
        self._rows: list[DraftRow] = []
        self._protected: list[str] = []
        self._data: list[Datum] = []
        self._told = 0

    def variable(
        self, name: str, value: float, worth: float, *, kind: str = "C", lower: float = 0.0, upper: float = inf
    ) -> str:
        """Adds a variable that the plan sets to ``value``; returns its name."""
        self.plan[name], self._objective[name] = value, float(worth)
        self._columns[name] = Column(lower, 1.0 if kind == "B" else upper, kind)
        return name

    def above(self, value: float) -> float:
        """An upper bound with room above a value of the plan, or none; now and then a whole number."""
        room = _up(value * (1 + self.rng.uniform(0.05, LOOSE)) + 0.1)
        return self.rng.choice((inf, room, float(ceil(room))))

    def balance(self, about: str, terms: Terms, unit: str, sense: Sense = "=", rhs: float | None = None) -> str:
        """Adds a row that balances, links or defines, and so is protected; returns its name.

        The right-hand side is what the plan comes to, where none is given.
        """
        name = self._add(about, terms, sense, self._level(terms) if rhs is None else rhs, unit)
        self._protected.append(name)
        return name

    def limit(self, about: str, terms: Terms, unit: str, sense: Sense) -> str:
        """Adds a limit that the plan keeps, tightly or with much to spare; returns the row's name."""
        level = self._level(terms)
        room = self.rng.uniform(0, TIGHT if self.rng.random() < TIGHT_SHARE else LOOSE) * max(level, 0.1)
        return self._add(about, terms, sense, _up(level + room) if sense == "<=" else _down(level - room), unit)

    def datum(self, name: str, value: float, uses: Sequence[tuple[str, str]]) -> None:
        """Notes that rows share a number."""
        self._data.append(Datum(name, value, tuple(uses)))

    def side_rows(self, count: int) -> None:
        """Adds floors and ceilings over a few variables, as every real plan has; some come as both, over one sum."""
        for _ in range(min(count, MOST_SIDE_ROWS)):
            topic, terms = self._topic(), self._side_terms()
            if self.rng.random() < PAIRED_SHARE:
                ends: tuple[tuple[str, Sense], ...] = (("floor", ">="), ("ceiling", "<="))
                pair = [self.limit(f"{topic}, {end}", terms, self._unit, sense) for end, sense in ends]
                variable = self.rng.choice(sorted(terms))
                self.datum(f"{topic}, {variable}", terms[variable], [(row, variable) for row in pair])
            else:
                self.limit(topic, terms, self._unit, self.rng.choice(("<=", ">=")))

    def draft(self, coefficients: Sequence[int] = (1, 2, 3)) -> Draft:
        """The finished draft, its rows named by codes in random order."""
        spare = [Spare(f"#{len(self._rows) + i}", self._unit, self._topic()) for i in range(SPARE_ROWS)]
        total = len(self._rows) + len(spare)
        codes = {f"#{i}": f"R{code}" for i, code in enumerate(self.rng.sample(range(1, total + 1), total))}
        return Draft(
            family=self._family,
            opening=self._opening,
            maximize=self._maximize,
            objective=self._objective,
            rows=tuple(replace(row, name=codes[row.name]) for row in self._rows),
            coefficients=tuple(coefficients),
            spare=tuple(line._replace(name=codes[line.name]) for line in spare),
            columns=self._columns,
            protected=tuple(sorted(codes[name] for name in self._protected)),
            data=tuple(replace(d, uses=tuple((codes[row], v) for row, v in d.uses)) for d in self._data),
            detailed=True,
        )

    def _add(self, about: str, terms: Terms, sense: Sense, rhs: float, unit: str) -> str:
        name = f"#{len(self._rows)}"
        self._rows.append(DraftRow(name, terms, sense, round(rhs, 6) + 0.0, unit, about))
        return name

    def _level(self, terms: Terms) -> float:
        return sum(value * self.plan[variable] for variable, value in terms.items())

    def _side_terms(self) -> Terms:
        used = self.rng.sample(sorted(self.plan), min(self.rng.randint(*SIDE_TERMS), len(self.plan)))
        return {variable: float(self.rng.choice((1, 1, 2, 3))) for variable in sorted(used)}

    def _topic(self) -> str:
        """The next topic; numbered once all were used."""
        number, place = divmod(self._told, len(self._topics))
        self._told += 1
        return self._topics[place] + (f" {number + 1}" if number else "")


def grid(rng: random.Random, size: int, cell: int, most: int) -> tuple[int, int]:
    """How many things and how many periods (or places) make about ``size`` variables of ``cell`` each.

    Large models get more things than ``most``, so that the rows of every period stay fewer than the variables.
    """
    fewest = 1 + size // CROWD
    things = rng.randint(fewest, max(fewest, min(most, size // (2 * cell))))
    return things, max(2, min(round(size / (cell * things)), MOST_VARIABLES // (cell * things)))


def tenths(rng: random.Random, low: float, high: float) -> float:
    """A number with one decimal."""
    return rng.randint(round(low * 10), round(high * 10)) / 10


def names(words: Sequence[str], count: int) -> list[str]:
    """So many names: the words, then the words with numbers."""
    return [words[i % len(words)] + (str(i // len(words) + 1) if i >= len(words) else "") for i in range(count)]


def _up(value: float) -> float:
    return ceil(round(value * STEP, 6)) / STEP


def _down(value: float) -> float:
    return max(0.0, floor(round(value * STEP, 6)) / STEP)
