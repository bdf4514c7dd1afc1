import json
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.conversion import convert_file
from ordebug.converters.split import split_file
from ordebug.core.errors import InputError, UsageError
from ordebug.core.manifest import sha256_file

SHARES = {"val": 0.1, "test": 0.2}


def row(problem: str, *, base: str = "", user: str = "", error_type: str = "A") -> dict[str, Any]:
    turns = [("system", "s"), ("user", user or f"show {problem}"), ("assistant", "a")]
    messages = [{"role": role, "content": text} for role, text in turns]
    return {"messages": messages, "problem_id": problem, "base_id": base, "error_type": error_type, "extra": 1}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in rows))
    return path


def problems_of(path: Path) -> list[str]:
    return [json.loads(line)["problem_id"] for line in path.read_text().splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    types = "A" * 200 + "B" * 100 + "C" * 10
    return write(tmp_path / "sft.jsonl", [row(f"p{index}", error_type=kind) for index, kind in enumerate(types)])


def test_parts_hold_every_row_once_in_the_wanted_shares(source: Path, tmp_path: Path) -> None:
    done = split_file(source, tmp_path / "parts", SHARES, 0)
    assert {name: part.rows for name, part in done.parts.items()} == {"train": 217, "val": 31, "test": 62}
    assert done.parts["val"].types == {"A": 20, "B": 10, "C": 1}
    found = [problem for name in done.parts for problem in problems_of(tmp_path / "parts" / f"{name}.jsonl")]
    assert sorted(found) == sorted(problems_of(source))
    first = json.loads((tmp_path / "parts" / "train.jsonl").read_text().splitlines()[0])
    assert first["extra"] == 1


def test_manifest(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    split_file(source, out, SHARES, 3)
    stored = json.loads((out / "manifest.json").read_text())
    assert stored["config"] == {"shares": SHARES, "seed": 3}
    assert stored["data"]["input"]["sha256"] == sha256_file(source)
    assert stored["parts"]["val"]["sha256"] == sha256_file(out / "val.jsonl")
    assert stored["shared"] == {"base": 0, "problem": 0, "prompt": 0}


def test_the_seed_decides_and_the_order_of_rows_does_not(source: Path, tmp_path: Path) -> None:
    turned = write(tmp_path / "turned.jsonl", [json.loads(line) for line in source.read_text().splitlines()][::-1])
    parts = {}
    for name, path, seed in (("one", source, 0), ("two", turned, 0), ("three", source, 1)):
        split_file(path, tmp_path / name, SHARES, seed)
        parts[name] = sorted(problems_of(tmp_path / name / "val.jsonl"))
    assert parts["one"] == parts["two"] != parts["three"]


def test_what_belongs_together_stays_together(tmp_path: Path) -> None:
    """p0 and p1 share a base, p1 and p2 a prompt, p2 and p3 nothing but p2's second row's base."""
    chained = [
        row("p0", base="b"),
        row("p1", base="b", user="same"),
        row("p2", base="c", user="same"),
        row("p2", base="d", user="other"),
        row("p3", base="d"),
    ]
    path = write(tmp_path / "sft.jsonl", chained + [row(f"q{index}") for index in range(20)])
    for seed in range(10):
        out = tmp_path / f"parts{seed}"
        done = split_file(path, out, {"val": 0.3, "test": 0.3}, seed)
        holding = [name for name in done.parts if set(problems_of(out / f"{name}.jsonl")) & {"p0", "p1", "p2", "p3"}]
        assert len(holding) == 1
        assert sum(part.groups for part in done.parts.values()) == 21


def test_a_part_without_a_share_is_not_written(source: Path, tmp_path: Path) -> None:
    split_file(source, tmp_path / "parts", {"val": 0.1, "test": 0.0}, 0)
    names = sorted(path.name for path in (tmp_path / "parts").iterdir())
    assert names == ["manifest.json", "train.jsonl", "val.jsonl"]


def test_the_same_split_may_be_made_again_and_another_may_not(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    first = split_file(source, out, SHARES, 0)
    assert split_file(source, out, SHARES, 0) == first
    with pytest.raises(UsageError, match="holds another split"):
        split_file(source, out, {"val": 0.1, "test": 0.0}, 0)
    (out / "manifest.json").unlink()
    with pytest.raises(UsageError, match="holds another split"):
        split_file(source, out, SHARES, 0)


@pytest.mark.parametrize(
    "text",
    [
        '{"config": {"profile": "algebra"}, "data": {"problems": {"sha256": "0"}}}',
        '{"parts": {}, "shared": {}, "data": []}',
        "[]",
        "not JSON",
    ],
)
def test_a_foreign_manifest_is_not_written_over(source: Path, tmp_path: Path, text: str) -> None:
    stored = tmp_path / "manifest.json"
    stored.write_text(text)
    with pytest.raises(UsageError, match="is not a split's manifest") as caught:
        split_file(source, tmp_path, SHARES, 0)
    assert stored.read_text() == text and "--out" in caught.value.fix
    assert not (tmp_path / "train.jsonl").exists()


def test_a_split_is_known_again_wherever_its_rows_lie(source: Path, tmp_path: Path) -> None:
    first = split_file(source, tmp_path / "parts", SHARES, 0)
    moved = source.rename(tmp_path / "moved.jsonl")
    assert split_file(moved, tmp_path / "parts", SHARES, 0) == first


@pytest.mark.parametrize("shares", [{"val": 0.5, "test": 0.5}, {"val": 0.9, "test": 0.2}, {"val": -0.1, "test": 0.2}])
def test_shares_that_make_no_sense(source: Path, tmp_path: Path, shares: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="of the rows for training"):
        split_file(source, tmp_path / "parts", shares, 0)


def test_too_few_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "sft.jsonl", [row("p0"), row("p1")])
    with pytest.raises(UsageError, match=r"no group is left for (val|test) \(2 groups\)"):
        split_file(path, tmp_path / "parts", {"val": 0.05, "test": 0.05}, 0)
    assert not (tmp_path / "parts").exists()


def test_files_that_are_no_sft_files(tmp_path: Path) -> None:
    for rows, said in (([], "holds no row"), ([{"instruction": "a"}], "not an SFT row")):
        path = write(tmp_path / "sft.jsonl", rows)
        with pytest.raises(InputError, match=said):
            split_file(path, tmp_path / "parts", SHARES, 0)
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    path = write(tmp_path / "sft.jsonl", [{"messages": turns, "problem_id": "p"}])
    with pytest.raises(InputError, match="the roles are user, assistant"):
        split_file(path, tmp_path / "parts", SHARES, 0)


def test_public_data_both_files(public_bench: Path, tmp_path: Path) -> None:
    """All 774 problems of the smaller file are in the larger too; merged, they must not leak."""
    lines = []
    for name in ("sft_gpt52chat.json", "sft_heuristic.json"):
        convert_file(public_bench / "sft" / name, tmp_path / name, AlpacaConverter())
        lines.append((tmp_path / name).read_text())
    (tmp_path / "all.jsonl").write_text("".join(lines))
    done = split_file(tmp_path / "all.jsonl", tmp_path / "parts", {"val": 0.05, "test": 0.05}, 0)
    assert sum(part.rows for part in done.parts.values()) == 5216
    assert sum(part.groups for part in done.parts.values()) == 4442
    assert set(done.parts["val"].types) == set(done.parts["test"].types) == set("ABCD")
    assert done.parts["val"].rows == pytest.approx(261, abs=4)
