"""How large the clean models of a set may be."""

from dataclasses import dataclass

from ordebug.core.errors import UsageError

FEWEST_ROWS, MOST_ROWS = 3, 12
FEWEST_VARIABLES, MOST_VARIABLES = 5, 2000


@dataclass(frozen=True)
class Scale:
    """Sizes to draw from.

    Attributes:
        rows: Rows of a flat family's model.
        variables: Variables of any other family's model, nearly.
    """

    rows: range = range(4, 7)
    variables: range = range(12, 25)

    def check(self) -> None:
        """Refuses sizes that no family has.

        Raises:
            UsageError: If a range is empty or leaves what is possible.
        """
        for what, given, fewest, most in (
            ("rows", self.rows, FEWEST_ROWS, MOST_ROWS),
            ("variables", self.variables, FEWEST_VARIABLES, MOST_VARIABLES),
        ):
            if not given or given.start < fewest or given.stop > most + 1:
                raise UsageError(f"no such number of {what}.", f"Give --{what} as in 4-6, within {fewest} to {most}.")
