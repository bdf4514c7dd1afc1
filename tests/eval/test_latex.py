from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.eval.attempt import Setting
from ordebug.eval.metrics import METRICS_VERSION
from ordebug.eval.report.latex import escaped, latex_table, write_latex
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]


@pytest.fixture
def run(make_set: MakeSet, tmp_path: Path) -> RunFolder:
    out = tmp_path / r"50%_of\input{x} & more"
    rollout(Rollout("drop-first", make_set(4), out, Setting()))
    return RunFolder(out)


def test_every_row_has_every_column(run: RunFolder) -> None:
    rows = [line for line in latex_table([run]).splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + 1 + 10  # titles, run, anchors
    assert {line.replace(r"\&", "").count("&") for line in rows} == {5}  # equivalent was not measured
    assert r"\textbf{50\%\_of\textbackslash{}input\{x\} \& more}" in rows[1]
    assert rows[-1].startswith(r"oracle & 1.000 {\scriptsize [")


def test_braces_are_even_and_comments_stay_comments(run: RunFolder, tmp_path: Path) -> None:
    write_latex([run, run], tmp_path / "table.tex")
    text = (tmp_path / "table.tex").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    plain = "\n".join(lines).replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    assert sum(line == r"\midrule" for line in lines) == 2
    assert f"metrics version {METRICS_VERSION}. Root-cause@1 is not shown to beat" in text


def test_a_name_cannot_break_a_line() -> None:
    assert escaped("a\nb_c\r%") == r"a b\_c \%"
