import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.records import read_records
from ordebug.core.errors import InputError

KEYS = ("instruction", "input", "output")
WRITTEN = {"lines": ("", "\n", "\n"), "list": ("[", ",", "]"), "data": ('{"data":[', ",", "]}")}
ROWS = [{"instruction": "é\u2028[{", "n": index, "deep": {"data": [1, "]"]}} for index in range(3000)]


@pytest.mark.parametrize("shape", ["lines", "list", "data"])
def test_three_shapes(write_rows: Callable[..., Path], shape: str) -> None:
    path = write_rows(ROWS, shape)
    records = list(read_records(path, KEYS))
    assert [record.value for record in records] == ROWS
    places = {"lines": f"{path}:3", "list": f"{path}: [2]", "data": f"{path}: data[2]"}
    assert records[2].place == places[shape]
    assert records[2].number == 3


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_may_cut_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, indent: int) -> None:
    monkeypatch.setattr("ordebug.converters.array.CHUNK", chunk)
    rows: list[Any] = ['a\\"', -1.5e-07, 12345, True, None, [], {"k": "\u00e9\n" * 30}, "😀" * 20]
    path = tmp_path / "rows.json"
    for ascii_only in (True, False):
        path.write_text(json.dumps({"metadata": {}, "data": rows, "n": 12}, indent=indent, ensure_ascii=ascii_only))
        assert [record.value for record in read_records(path, KEYS)] == rows


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("prefix", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends(tmp_path: Path, name: str, prefix: str, end: str) -> None:
    path = tmp_path / name
    path.write_bytes(f'{prefix}{{"output": "a\\r\\nb"}}{end}{end}{{"output": "c"}}{end}'.encode())
    records = list(read_records(path, KEYS))
    assert [record.value["output"] for record in records] == ["a\r\nb", "c"]
    assert records[1].place == f"{path}:3"


def test_a_broken_line_is_one_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"output": "a\n{"output": "b"}\n5\n')
    first, second, third = read_records(path, KEYS)
    assert first.error.startswith("not JSON")
    assert (second.value, third.value) == ({"output": "b"}, 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty file"),
        ("  \n", "an empty file"),
        ("hello", "starts with 'h'"),
        ("17", "starts with '1'"),
        ("{}", "an empty JSON object"),
        ('{"rows": [], "version": 2}', "a JSON object with the keys rows, version"),
        ('{"data": {"a": 1}}', "a JSON object with the keys data"),
        ('{"data": [{"a": 1}, ', "ends too early"),
        ('{"data": [{"a": 1}', "ends too early"),
        ('{"data": [{"a": 1}]', "ends too early"),
        ('[{"a": 1} {"a": 2}]', "where one of ',]' belongs"),
        ('[{"a": 1},\n{"a": 2]', ":2: not JSON"),
        ('[{"a": 1}] extra', "after the end"),
        ('{"data": [1], oops}', "not JSON"),
        ('{"a" 1}', "where one of ':' belongs"),
        ("[" * 5000, "not JSON"),
        ('["' + "x" * 200_000, "Unterminated string"),
        ("[" + "1" * 6000 + "]", "not JSON"),
    ],
)
def test_what_is_not_rows(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        list(read_records(path, KEYS))
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.fix


@pytest.mark.parametrize(("name", "bad"), [("rows.jsonl", 0), ("rows.jsonl", 1), ("rows.json", 1), ("rows.json", 2)])
def test_bytes_that_are_not_utf8_spoil_their_line_alone(tmp_path: Path, name: str, bad: int) -> None:
    lines = [b'{"output": "a"}', '{"output": "\u00e9"}'.encode(), b'{"output": "c"}']
    lines[bad] = b'{"output": "caf\xe9"}'
    path = tmp_path / name
    path.write_bytes(b"\n".join(lines))
    records = list(read_records(path, KEYS))
    assert [index for index, record in enumerate(records) if record.error] == [bad]
    assert records[bad].place == f"{path}:{bad + 1}"
    assert records[bad].error.startswith("not UTF-8 text")


@pytest.mark.parametrize("chunk", [1, 1 << 16])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[{"output": "a"},\n{"output": "\xc3\xa9 caf\xe9"}]', ":2: not UTF-8 text (byte 0xe9)"),
        (b'{"data": [1,\n2,\n\xff]}', ":3: not UTF-8 text (byte 0xff)"),
        (b'{"data": [1],\n"caf\xc3": 1}', ":2: not UTF-8 text (byte 0xc3)"),
        (b"\xff\xfe[\x001\x00]\x00", ":1: not UTF-8 text (byte 0xff)"),
    ],
)
def test_a_document_that_is_not_utf8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str, chunk: int
) -> None:
    monkeypatch.setattr("ordebug.converters.array.CHUNK", chunk)
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read_records(path, KEYS))
    assert said in caught.value.message and caught.value.fix == "Save the file as UTF-8."


@pytest.mark.parametrize("chunk", [1, 1 << 16])
@pytest.mark.parametrize("shape", ["lines", "list", "data"])
@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_spoils_its_row_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, literal: str, shape: str, chunk: int
) -> None:
    monkeypatch.setattr("ordebug.converters.array.CHUNK", chunk)
    opening, between, closing = WRITTEN[shape]
    texts = ['{"output": "NaN", "x": 1.5}', f'{{"output": "NaN", "x": [{literal}]}}', '{"output": "c", "x": -1e-9}']
    path = tmp_path / f"rows.json{'l' if shape == 'lines' else ''}"
    path.write_text(opening + between.join(texts) + closing)
    first, second, third = read_records(path, KEYS)
    assert second.error.startswith(f"not JSON ({literal} is not a finite number")
    assert (first.error, first.value["x"], third.error, third.value["x"]) == ("", 1.5, "", -1e-9)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson"])
@pytest.mark.parametrize("text", ['{"output": "a", "data": [1, 2]}\n', '{"data": [1, 2], "output": "a"}\n'])
def test_rows_with_a_list_under_data_are_lines(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text * 2)
    assert [record.value for record in read_records(path, KEYS)] == [{"output": "a", "data": [1, 2]}] * 2


def test_a_document_may_be_called_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"metadata": {},\n"data": [{"output": "a"}],\n"after": 1}')
    assert [record.value for record in read_records(path, KEYS)] == [{"output": "a"}]


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(read_records(tmp_path / "none.jsonl", KEYS))
    with pytest.raises(InputError, match="is a folder"):
        list(read_records(tmp_path, KEYS))


@pytest.mark.parametrize("shape", ["lines", "list", "data"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, shape: str) -> None:
    peaks = []
    for count in (5_000, 50_000):
        path = tmp_path / f"{count}.json{'l' if shape == 'lines' else ''}"
        row = json.dumps({"instruction": "Debug.", "input": "x" * 200, "output": "y"})
        opening, between, closing = WRITTEN[shape]
        with path.open("w") as file:
            file.write(opening + between.join([row] * count) + closing)
        tracemalloc.start()
        assert sum(1 for _ in read_records(path, KEYS)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 1_000_000
