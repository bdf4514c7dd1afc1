from pathlib import Path

import pytest

from ordebug.core.errors import InputError
from ordebug.core.jsonl import append_rows, atomic_writer, read_json, read_rows, write_json, write_rows


def test_rows_come_back_with_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('\ufeff{"a": "é"}\n\n{"a": 2}\n', encoding="utf-8")
    assert list(read_rows(path)) == [(1, {"a": "é"}), (3, {"a": 2})]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "rows.jsonl:1: not JSON"),
        ("[1]", "a JSON list, not an object"),
        ("3", "a JSON int, not an object"),
        ('\n{"says NaN": NaN}', r"rows.jsonl:2: not JSON \(NaN is not a finite number at column 14"),
        ('{"a": [-Infinity]}', "rows.jsonl:1: not JSON .-Infinity is not a finite number"),
        ('{"a": 1e999}', "rows.jsonl:1: not JSON .1e999 is not a finite number"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        list(read_rows(path))
    assert caught.value.fix


def test_a_bad_number_of_a_document_is_named(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text('{\n "a \\" Infinity": 1.5,\n "b": "NaN",\n "c": [0, NaN]\n}\n')
    with pytest.raises(InputError, match="NaN is not a finite number: line 4 column 11"):
        read_json(path, "a document")


def test_deep_nesting_is_an_error_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        list(read_rows(path))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(read_rows(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="is a folder"):
        read_json(tmp_path, "a document")


def test_bytes_that_are_not_utf8_are_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": "\xc3\xa9"}\n{"a": "\xff"}\n')
    with pytest.raises(InputError, match=r"rows\.jsonl:2: not UTF-8"):
        list(read_rows(path))
    with pytest.raises(InputError, match=r"rows\.jsonl:2: not UTF-8"):
        read_json(path, "a document")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, [{"a": 1}])
    with pytest.raises(ValueError, match="Out of range"):
        write_rows(path, [{"a": 2}, {"a": float("nan")}])
    assert list(read_rows(path)) == [(1, {"a": 1})]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_nothing_appears_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with atomic_writer(path) as writer:
        writer.write({"a": 1})
        assert not path.exists()
    assert path.exists()


def test_appended_rows_follow(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"a": 1}])
    append_rows(path, [{"a": 2}])
    assert [row["a"] for _, row in read_rows(path)] == [1, 2]


def test_half_a_surrogate_pair_does_not_stop_a_run(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"reply": "\ud83d"}])
    assert list(read_rows(path)) == [(1, {"reply": "?"})]
    write_json(path, {"reply": "\ud83d"})
    assert read_json(path, "a document") == {"reply": "?"}
