"""Irreducible infeasible subsystems (IIS) by HiGHS, each proved: infeasible, and every member needed.

Members are rows and the finite bounds of variables. Integrality, and what a binary type says about bounds, always hold
and are no members, as in Gurobi.

HiGHS's own IIS of an LP is where the search begins, never what is answered: on some models it is not infeasible or not
irreducible, and of a MILP it knows nothing. A deletion filter (Chinneck and Dravnieks 1991) decides: a member without
which the rest stays infeasible leaves. It tries blocks of halving size, so that k members out of n cost about
k log2(n / k) solves and not n.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ordebug.core.errors import SolverError
from ordebug.env.observation import BoundInConflict, Conflict
from ordebug.env.solvers.arrays import Arrays, Mask
from ordebug.env.solvers.highs_engine import feasible, lp_conflict


@dataclass(frozen=True, order=True)
class Member:
    """A row, or a side of a variable's bounds, by index."""

    kind: str
    index: int


def members(model: Arrays) -> list[Member]:
    """All that a conflict may hold: variables' bounds first, so that a filter keeps rows rather than bounds."""
    lower, upper = relaxable_bounds(model)
    found = [Member("lower", int(index)) for index in np.flatnonzero(lower)]
    found += [Member("upper", int(index)) for index in np.flatnonzero(upper)]
    return found + [Member("row", index) for index in range(len(model.row_lower))]


def relaxable_bounds(model: Arrays) -> tuple[Mask, Mask]:
    """Which lower and which upper bounds say something that the variable's type does not say."""
    lower, upper = np.isfinite(model.lower), np.isfinite(model.upper)
    if model.binary.any():
        lower &= ~model.binary | (model.lower > 0)
        upper &= ~model.binary | (model.upper < 1)
    return lower, upper


def find_conflict(model: Arrays, name: str, trusted: Sequence[Member] = ()) -> list[Member] | None:
    """An IIS, or None where the model is feasible.

    Args:
        model: The model.
        name: What errors call it.
        trusted: Members that are held to be right: they stay in force and are not named.

    Raises:
        SolverError: If a limit of work ended the search.
    """
    search = _Search(model, name, frozenset(trusted))
    everything = [member for member in members(model) if member not in search.trusted]
    if not search.infeasible(everything):
        return None
    hint = search.hint()
    if search.infeasible(hint):
        return search.irreducible(hint, block=1)  # most often nothing can leave
    return search.irreducible(everything, block=len(everything) // 2)


def conflict_of(model: Arrays, name: str) -> Conflict:
    """The same by name; empty where the model is feasible."""
    found = sorted(find_conflict(model, name) or (), key=lambda member: (member.index, member.kind))
    rows = tuple(model.row_names[member.index] for member in found if member.kind == "row")
    bounds = (
        BoundInConflict(model.variable_names[member.index], "lower" if member.kind == "lower" else "upper")
        for member in found
        if member.kind != "row"
    )
    return Conflict(rows, tuple(bounds))


@dataclass
class _Search:
    model: Arrays
    name: str
    trusted: frozenset[Member]

    def infeasible(self, chosen: Sequence[Member]) -> bool:
        """Whether these members contradict each other, with what is trusted."""
        return not feasible(restricted(self.model, [*chosen, *self.trusted]), self.name)

    def hint(self) -> list[Member]:
        """What HiGHS names in a conflict of the LP relaxation."""
        crossed = np.flatnonzero(np.less(*reversed(self.model.limits))).tolist()[:1]
        rows, lower, upper = ([], crossed, crossed) if crossed else lp_conflict(relaxation(self.model), self.name)
        named = {("row", row) for row in rows} | {("lower", v) for v in lower} | {("upper", v) for v in upper}
        return [m for m in members(self.model) if (m.kind, m.index) in named and m not in self.trusted]

    def irreducible(self, chosen: Sequence[Member], *, block: int) -> list[Member]:
        """Those of infeasible members that are left when none can leave; blocks of this size are tried first."""
        open_questions: list[Member] = []
        kept = _filtered(list(chosen), max(1, block), lambda rest, block: self._can_leave(rest, block, open_questions))
        if any(member in kept for member in open_questions):
            raise SolverError(f"{self.name}: the work limit ended the search for an irreducible conflict.")
        return kept

    def _can_leave(self, rest: list[Member], block: list[Member], open_questions: list[Member]) -> bool:
        """Whether the rest is infeasible without the block; a question that stays open keeps the block."""
        try:
            return self.infeasible(rest)
        except SolverError:
            if len(block) == 1:
                open_questions += block
            return False


def relaxation(model: Arrays) -> Arrays:
    """The LP relaxation; what binary types say of bounds stays."""
    lower, upper = model.limits
    return model.having(lower=lower, upper=upper, types=np.full_like(model.types, "C"))


def restricted(model: Arrays, chosen: Sequence[Member]) -> Arrays:
    """The model with these rows and bounds alone; integrality and what binary types say stay."""
    by_kind = {kind: [m.index for m in chosen if m.kind == kind] for kind in ("row", "lower", "upper")}
    rows = _mask(by_kind["row"], len(model.row_lower))
    lower, upper = (_mask(by_kind[kind], len(model.cost)) for kind in ("lower", "upper"))
    return model.only_rows(rows).having(
        lower=np.where(lower, model.lower, -np.inf), upper=np.where(upper, model.upper, np.inf)
    )


def _mask(indices: Sequence[int], size: int) -> Mask:
    mask = np.zeros(size, dtype=np.bool_)
    mask[list(indices)] = True
    return mask


def _filtered(kept: list[Member], size: int, can_leave: Callable[[list[Member], list[Member]], bool]) -> list[Member]:
    """Removes blocks that can leave, of half the size each round; the last round asks about every member alone.

    A member that could not leave a larger set cannot leave a smaller one, so that after the last round none can leave.
    """
    while True:
        place = 0
        while place < len(kept):
            block, rest = kept[place : place + size], kept[:place] + kept[place + size :]
            if can_leave(rest, block):
                kept = rest
            else:
                place += size
        if size == 1:
            return kept
        size = max(1, size // 2)
