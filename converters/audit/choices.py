"""How far names and places alone tell the target: rules that read no algebra, measured on the rows themselves."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

DIGITS = re.compile(r"\d+")
STEM = re.compile(r"_*[^\W\d_]+")
SAMPLED = 20_000
LEAST_SHOWN = 20
"""Prompts that must show a name's shape before it can be a telltale."""
SURE = 0.9
COMMON = 0.5
"""Where that part of the names in a prompt has the shape, it tells nothing."""
FOLDS = 2


@dataclass(frozen=True)
class Choice:
    """A row's target among the names that its prompt shows, each reduced to its shape (``c12`` to ``c#``).

    Attributes:
        key: A hash of the row, by which a sample is drawn that depends on no order.
        fold: Of the problem, so that a rule is judged on problems it did not see.
        place: File and row.
        rows: Shapes of the conflict's rows (or bounds, if a bound is acted on), in their order.
        others: Shapes of the other names.
        at: Which of ``rows`` is the target, -1 where none is.
        target: Its shape.
    """

    key: int
    fold: int
    place: tuple[int, int]
    rows: tuple[str, ...]
    others: tuple[str, ...]
    at: int
    target: str

    def moved(self, lines: int) -> "Choice":
        """The same, so many lines further down its file."""
        return replace(self, place=(self.place[0], self.place[1] + lines))


@dataclass(frozen=True)
class Rule:
    """How often a rule finds the target.

    Attributes:
        name: What it does.
        accuracy: Of all rows with a target.
        with_choice: Of those whose conflict leaves a choice; None where there is none.
    """

    name: str
    accuracy: float
    with_choice: float | None


@dataclass(frozen=True)
class Telltale:
    """A pattern of names, one of which is the target wherever they show; ``*`` stands for anything."""

    pattern: str
    shown: int
    chosen: int


def shape(name: str) -> str:
    """A name with its numbers masked."""
    return DIGITS.sub("#", name)


def patterns(name: str) -> tuple[str, ...]:
    """A shape, and all that begins with its first word."""
    stem = STEM.match(name)
    return (name, f"{stem[0]}*") if stem and stem[0] != name else (name,)


def sampled(choices: Iterable[Choice]) -> list[Choice]:
    """The choices with the smallest keys, in the order of the keys: the same whatever they were gathered from."""
    return sorted(choices, key=lambda choice: (choice.key, choice.place))[:SAMPLED]


def telltales(choices: Sequence[Choice]) -> list[Telltale]:
    """Patterns that hold the target in nearly every prompt that shows them, and are not what most names look like."""
    seen: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    part: defaultdict[str, float] = defaultdict(float)
    for choice in choices:
        names = Counter(pattern for name in (*choice.rows, *choice.others) for pattern in patterns(name))
        total = len(choice.rows) + len(choice.others)
        for pattern, count in names.items():
            seen[pattern] += 1
            part[pattern] += count / total
        chosen.update(pattern for pattern in patterns(choice.target) if pattern in names)
    told = {name for name, count in chosen.items() if _tells(seen[name], count, part[name])}
    widest = [name for name in told if patterns(name)[-1] not in told - {name}]
    return sorted((Telltale(name, seen[name], chosen[name]) for name in widest), key=lambda t: (-t.chosen, t.pattern))


def _tells(seen: int, chosen: int, part: float) -> bool:
    return seen >= LEAST_SHOWN and chosen >= SURE * seen and part <= COMMON * seen


def rules(choices: Sequence[Choice]) -> list[Rule]:
    """Each rule's accuracy; ties count as a fair draw."""
    rates = [_rates([choice for choice in choices if choice.fold != fold]) for fold in range(FOLDS)]
    scores: dict[str, Callable[[Choice], float]] = {
        "first of the conflict": lambda choice: float(choice.at == 0),
        "last of the conflict": lambda choice: float(choice.at == len(choice.rows) - 1 and choice.at >= 0),
        "any of the conflict": lambda choice: 1 / len(choice.rows) if choice.at >= 0 else 0.0,
        "the odd name out": lambda choice: _picked(choice, _oddness(choice)),
        "name pattern, learned": lambda choice: _picked(choice, rates[choice.fold]),
    }
    return [_rule(name, score, choices) for name, score in scores.items()]


def _rule(name: str, score: Callable[[Choice], float], choices: Sequence[Choice]) -> Rule:
    open_choices = [choice for choice in choices if len(choice.rows) > 1]
    overall = sum(map(score, choices)) / len(choices)
    return Rule(name, overall, sum(map(score, open_choices)) / len(open_choices) if open_choices else None)


def _rates(choices: Iterable[Choice]) -> dict[str, float]:
    """How often each shape is the target where the conflict shows it, drawn to a half where it was seen seldom."""
    seen: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    for choice in choices:
        seen.update(set(choice.rows))
        chosen.update([choice.target] if choice.at >= 0 else [])
    return {name: (chosen[name] + 0.5) / (count + 1) for name, count in seen.items()}


def _oddness(choice: Choice) -> dict[str, float]:
    """Rare shapes first: one over how many names of the prompt have the shape."""
    names = Counter(choice.rows) + Counter(choice.others)
    return {name: 1 / count for name, count in names.items()}


def _picked(choice: Choice, rates: dict[str, float]) -> float:
    """The chance to hit the target when one of the best rated rows is drawn."""
    if choice.at < 0:
        return 0.0
    found = [rates.get(name, 0.5) for name in choice.rows]
    best = max(found)
    return found.count(best) ** -1 if found[choice.at] == best else 0.0
