"""What the families yielded so far, so that no more work goes into what a family does not hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ordebug.env.generate.attempt import Made
from ordebug.env.generate.plan import Order

BARREN, HOPELESS = 40, 250
"""Clean models of a family without a problem of some type, after which it is passed over for that type: where other
families gave some, and where none did."""


class Harvest:
    """Clean models tried and problems made, by type and family.

    Args:
        families: Those of the plan.
    """

    def __init__(self, families: Sequence[str]) -> None:
        self._families = families
        self._tried: Counter[tuple[str, str]] = Counter()
        self._made: Counter[tuple[str, str]] = Counter()

    def count(self, order: Order, made: Made) -> None:
        """Adds what came of an order."""
        self._tried.update((name, order.family) for name in order.types)
        self._made.update((str(problem.error_type), order.family) for problem in made.problems)

    def worth_trying(self, order: Order) -> Order:
        """The order without the types that its family did not give so far."""
        return replace(order, types=tuple(name for name in order.types if not self._gives_none(name, order.family)))

    def barren(self, types: Sequence[str]) -> tuple[str, ...]:
        """Those of the types that no family gave."""
        return tuple(name for name in types if all(self._gives_none(name, family) for family in self._families))

    def _gives_none(self, error_type: str, family: str) -> bool:
        given = any(self._made[error_type, other] for other in self._families)
        place = error_type, family
        return self._tried[place] >= (BARREN if given else HOPELESS) and not self._made[place]
