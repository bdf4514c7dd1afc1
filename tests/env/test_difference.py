from pathlib import Path

import pytest

from ordebug.env.difference import changes, told
from ordebug.env.solvers.model import SolverName, read_model

LP = """Maximize
 3 x + 2 y
Subject To
 limit: x + y <= 4
 need: x + 2 y >= 9
 balance: x - y = 1
Bounds
 x <= 8
 0 <= y <= 5
End
"""


@pytest.mark.parametrize("solver", ["gurobi", "highs"])
def test_every_kind_of_change_in_words(tmp_path: Path, solver: SolverName) -> None:
    (tmp_path / "m.lp").write_text(LP)
    model = read_model(tmp_path / "m.lp", solver)
    other = model.copy()
    other.drop("limit")
    other.set_rhs("need", 3.5)
    other.relax("balance", 2)
    other.set_bounds("y", 0, 7)
    other.set_type("x", "I")
    assert [told(change) for change in changes(model, other)] == [
        "row limit: dropped (was x + y <= 4)",
        "row need: >= 9 becomes >= 3.5",
        "row balance: = 1 becomes between -1 and 3",
        "variable x: continuous, 0 to 8 becomes integer, 0 to 8",
        "variable y: continuous, 0 to 5 becomes continuous, 0 to 7",
    ]
    model.close(), other.close()


def test_coefficients_senses_and_meanings(tmp_path: Path) -> None:
    (tmp_path / "m.lp").write_text(LP)
    model = read_model(tmp_path / "m.lp")
    other = model.copy()
    other.set_coefficient("limit", "y", 0)
    other.flip("need")
    other.add_row("extra", {"x": 1.0}, "<=", 3.0)
    assert [told(change, "orders") for change in changes(model, other)] == [
        "row limit (orders): x + y <= 4 becomes x <= 4",
        "row need (orders): >= 9 becomes <= 9",
        "row extra (orders): added: x <= 3",
    ]
    assert changes(model, model) == []
    model.close(), other.close()
