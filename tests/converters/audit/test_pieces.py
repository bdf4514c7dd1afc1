"""Files as they come: in pieces, in every shape, and broken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.audit import pieces
from ordebug.converters.audit.audit import audit
from ordebug.converters.audit.html import write_html
from ordebug.converters.audit.pieces import open_source
from ordebug.core.errors import InputError

MakeRow = Callable[..., dict[str, Any]]
WriteRows = Callable[..., Path]


def rows(alpaca_row: MakeRow, count: int) -> list[Any]:
    made = [
        alpaca_row(metadata={"problem_id": f"p{index}"}, input=f"ID: p{index}\nConflicting Constraints: ['c{index}']")
        for index in range(count)
    ]
    made[count // 2] = 5
    return made


def test_the_answer_depends_on_no_worker_and_no_piece(
    alpaca_row: MakeRow, write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows(rows(alpaca_row, 300))
    path.write_text(path.read_text().replace("\n", "\n\n", 20))  # blank lines count
    whole = audit([path]).as_json()
    assert any(finding["kind"] == "unreadable" for finding in whole["findings"])
    monkeypatch.setattr(pieces, "PIECE", 1000)
    assert audit([path], workers=1).as_json() == whole
    assert audit([path], workers=2).as_json() == whole


def test_places_are_lines(alpaca_row: MakeRow, write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 700)
    path = write_rows(rows(alpaca_row, 40))
    bad = next(finding for finding in audit([path]).findings if finding.kind == "unreadable")
    assert (bad.count, bad.examples[0].place) == (1, f"{path}:21")


@pytest.mark.parametrize("shape", ["list", "data"])
def test_lists_give_what_lines_give(alpaca_row: MakeRow, write_rows: WriteRows, shape: str) -> None:
    lines = audit([write_rows(rows(alpaca_row, 30))])
    path = write_rows(rows(alpaca_row, 30), shape)
    listed = audit([path])
    assert [(f.kind, f.count) for f in listed.findings] == [(f.kind, f.count) for f in lines.findings]
    bad = next(finding for finding in listed.findings if finding.kind == "unreadable")
    assert bad.examples[0].place == f"{path}: {'data' if shape == 'data' else ''}[15]"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.jsonl", "is empty"),
        (b"", "a.json", "is empty"),
        (b"\n\n", "a.jsonl", "holds no row"),
        (b"[]", "a.json", "holds no row"),
        (b"hello", "a.json", "not rows"),
        (b'{"a": 1}', "a.json", "not rows"),
        ("[1]".encode("utf-16"), "a.json", "UTF-16"),
        ('{"output": "x"}'.encode("utf-16"), "a.jsonl", "UTF-16"),
        (b'[{"output": "x"}, {"out', "a.json", "not JSON"),
        (b"\x00\x01\x02\xff", "a.json", "not rows"),
    ],
)
def test_files_that_are_no_rows(tmp_path: Path, content: bytes, name: str, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        audit([path])


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.jsonl", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=said):
            open_source(path, 0)


@pytest.mark.parametrize("at", [0, 1])
def test_a_giant_line_is_passed_and_told(
    alpaca_row: MakeRow, write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 2000)
    monkeypatch.setattr(pieces, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(pieces, "SKIPPED", 500)
    made = [alpaca_row(), alpaca_row(), alpaca_row()]
    made[at] = alpaca_row(input="x" * 50_000)
    path = write_rows(made)
    done = audit([path])
    bad = next(finding for finding in done.findings if finding.kind == "unreadable")
    assert (done.rows, bad.count, bad.examples[0].place) == (3, 1, f"{path}:{at + 1}")
    assert "a line of more than" in bad.examples[0].detail


def test_a_byte_order_mark_and_bad_bytes(tmp_path: Path, alpaca_row: MakeRow) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps(alpaca_row()).encode()
    path.write_bytes(b"\xef\xbb\xbf" + good + b"\r\n" + b'{"output": "caf\xe9"}\n{"output": NaN}\n{"output": "half')
    bad = next(finding for finding in audit([path]).findings if finding.kind == "unreadable")
    assert (bad.count, [example.place for example in bad.examples]) == (3, [f"{path}:{line}" for line in (2, 3, 4)])


def test_html_holds_nothing_alive(tmp_path: Path, alpaca_row: MakeRow, write_rows: WriteRows) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    bad = alpaca_row(
        output=f'<think>\nc1\n</think>\n\nAction: DROP_CONSTRAINT("{evil}")', metadata={"error_type": evil}
    )
    page = tmp_path / "audit.html"
    done = audit([write_rows([bad, {evil: 1}])])
    write_html(done, page)
    text = page.read_text()
    assert "&lt;script&gt;" in text
    for alive in ("<script", "<img", "http:", "https:", "url("):
        assert alive not in text
