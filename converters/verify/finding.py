"""What was found out about a row by replaying it."""

from dataclasses import dataclass
from typing import Literal

from ordebug.converters.verify.prompt import Match
from ordebug.env.equivalence import Verdict

NotReplayed = Literal["unreadable", "no_problem", "later_step", "past_differs", "no_model", "solver_failed"]
"""Why a row was not replayed; it has then not failed.

* ``unreadable``: it is no row of the file's format.
* ``no_problem``: the set has no problem of its id.
* ``later_step``: edits came before it that its prompt does not tell of.
* ``past_differs``: the steps that its prompt tells of have other outcomes now.
* ``no_model``: the problem's model cannot be read.
* ``solver_failed``: the solver gave no answer.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row's verdict.

    Attributes:
        error_type: The problem's, or else the row's own.
        not_replayed: Why nothing else is known, None where the row was replayed.
        detail: Why not replayed, or why the action was refused, in words.
        infeasible: Whether the problem's model is infeasible as it begins.
        iis: How far the conflict that the prompt prints is the solver's, None where it prints none.
        outcome: ``applied``, ``shown``, ``submitted``, or the reason why the answer is no action that can be done.
        status: The solver's verdict on the model after the action.
        root_cause: Whether the action was an edit of what the injected error touches, None where that is not known.
        op: OP after the action, 0 unless feasible and bounded, None where the clean optimum is not known.
        equivalence: Whether the model then allows the clean model's points, None where that was not asked, there is
            no clean model, or the objective was lost.
        more_needed: Whether it was proved that the actions so far are too few for any repair.
    """

    error_type: str = ""
    not_replayed: NotReplayed | None = None
    detail: str = ""
    infeasible: bool = False
    iis: Match | None = None
    outcome: str = ""
    status: str = ""
    root_cause: bool | None = None
    op: float | None = None
    equivalence: Verdict | None = None
    more_needed: bool = False

    @property
    def applies(self) -> bool:
        """Whether the action could be carried out."""
        return self.outcome in ("applied", "shown", "submitted")

    @property
    def restores(self) -> bool:
        """Whether the model is feasible and bounded after it, and was infeasible as it began."""
        return self.infeasible and self.status == "OPTIMAL" and self.outcome in ("applied", "submitted")
