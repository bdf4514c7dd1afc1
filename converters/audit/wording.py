"""How an audit's figures are written, the same in the terminal and in HTML."""

from ordebug.converters.audit.finding import Audit, Finding

HEADINGS = {
    "rows": "rows",
    "entropy_bits": "entropy, bits",
    "effective": "effective number",
    "largest_share": "largest share",
    "where_a_choice": "where there is a choice",
}
SHARES = ("share", "largest_share", "accuracy", "where_a_choice")
Cell = str | int | float | None


def amount(finding: Finding) -> str:
    """``11 of 5,216 rows (0.2 %)``."""
    return f"{finding.count:,} of {finding.of:,} {finding.unit} ({percent(finding.share)})"


def percent(share: float) -> str:
    """A share with the digits that tell it from nothing and from all."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    return f"{100 * share:.3g} %" if 0.0001 < share < 0.9995 else f"{100 * share:.5f} %"


def heading(name: str) -> str:
    """A column's heading."""
    return HEADINGS.get(name, name.replace("_", " "))


def cell(name: str, value: Cell) -> str:
    """A table's cell."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if name in SHARES:
        return percent(float(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def verdict(audit: Audit) -> str:
    """The whole in one line."""
    counts = [
        _counted(audit.count("error"), "error"),
        _counted(audit.count("warning"), "warning"),
        _counted(audit.count("note"), "note"),
    ]
    return f"{audit.rows:,} rows: {', '.join(counts)}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
