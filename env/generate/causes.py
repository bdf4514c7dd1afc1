"""Whether each stored cause is of the kind it says: what differs at the rows or variables that it touches."""

from collections.abc import Iterator

from ordebug.env.generate.case import Case, Change, changed_terms
from ordebug.env.problem import RootCause


def cause_failures(case: Case) -> Iterator[str]:
    """What does not hold of the causes, in words: together they touch what differs, each in the way its kind says."""
    touched = frozenset(name for cause in case.problem.root_cause for name in cause.touches)
    if case.change.direction or case.change.names != touched:
        yield f"what differs from the clean model is {sorted(case.change.names)}, the causes touch {sorted(touched)}"
        return
    for cause in case.problem.root_cause:
        kind = _kind(case.change, cause)
        if kind != cause.kind:
            yield f"the cause at {cause.name} is called a {cause.kind}, what differs is {kind or 'no one kind'}"
        elif kind != "data" and cause.touches != (cause.name,):
            yield f"the cause is named {cause.name} and touches {', '.join(cause.touches)}"


def _kind(change: Change, cause: RootCause) -> str | None:
    """The kind of what differs at the places of a cause, None where it is none, or several."""
    kinds = {_kind_at(change, name) for name in cause.touches}
    if kinds == {"coefficient"} and len(cause.touches) > 1:
        return "data"
    return kinds.pop() if len(kinds) == 1 == len(cause.touches) else None


def _kind_at(change: Change, name: str) -> str | None:
    if name in change.columns:
        column, now_column = change.columns[name]
        if not column or not now_column or column.worth != now_column.worth:
            return None
        same_type = column.kind == now_column.kind
        same_bounds = (column.lower, column.upper) == (now_column.lower, now_column.upper)
        return ("bound" if same_type else "vartype") if same_type != same_bounds else None
    was, now = change.rows[name]
    if not was or not now:
        return "row" if now else None
    if was._replace(terms=now.terms) == now:
        return "coefficient" if len(changed_terms(was, now)) == 1 else None
    ways = {"sense": was._replace(sense=now.sense), "rhs": was._replace(rhs=now.rhs)}
    return next((kind for kind, changed in ways.items() if changed == now), None)
