import json
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.conversion import convert_file
from ordebug.converters.masking import masked
from ordebug.converters.messages import read_sft_rows
from ordebug.converters.parts import proved
from ordebug.converters.row_keys import read_keys
from ordebug.converters.split import Plan, Split, split_file
from ordebug.core.errors import InputError, UsageError
from ordebug.core.manifest import sha256_file

SHARES = {"val": 0.1, "test": 0.2}


def split(source: Path, out: Path, shares: dict[str, float], seed: int) -> Split:
    """By problem: the prompts below differ in a number only."""
    return split_file(source, out, Plan(shares, by="problem", seed=seed))


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
    done = split(source, tmp_path / "parts", SHARES, 0)
    assert {name: part.rows for name, part in done.parts.items()} == {"train": 217, "val": 31, "test": 62}
    assert done.parts["val"].types == {"A": 20, "B": 10, "C": 1}
    found = [problem for name in done.parts for problem in problems_of(tmp_path / "parts" / f"{name}.jsonl")]
    assert sorted(found) == sorted(problems_of(source))
    first = json.loads((tmp_path / "parts" / "train.jsonl").read_text().splitlines()[0])
    assert first["extra"] == 1


def test_manifest(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    split(source, out, SHARES, 3)
    stored = json.loads((out / "manifest.json").read_text())
    assert stored["config"] == {"shares": SHARES, "by": "problem", "seed": 3}
    assert stored["data"]["input"]["sha256"] == sha256_file(source)
    assert stored["parts"]["val"]["sha256"] == sha256_file(out / "val.jsonl")
    assert stored["shared"] == {"base": 0, "problem": 0, "prompt": 0, "text": 1}
    assert (stored["rows"], stored["groups"]["largest"]) == (310, [1] * 5)


def test_the_seed_decides_and_the_order_of_rows_does_not(source: Path, tmp_path: Path) -> None:
    turned = write(tmp_path / "turned.jsonl", [json.loads(line) for line in source.read_text().splitlines()][::-1])
    parts = {}
    for name, path, seed in (("one", source, 0), ("two", turned, 0), ("three", source, 1)):
        split(path, tmp_path / name, SHARES, seed)
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
        done = split(path, out, {"val": 0.3, "test": 0.3}, seed)
        holding = [name for name in done.parts if set(problems_of(out / f"{name}.jsonl")) & {"p0", "p1", "p2", "p3"}]
        assert len(holding) == 1
        assert done.groups["count"] == sum(done.groups["parts"].values()) == 21


def test_a_part_without_a_share_is_not_written(source: Path, tmp_path: Path) -> None:
    split(source, tmp_path / "parts", {"val": 0.1, "test": 0.0}, 0)
    names = sorted(path.name for path in (tmp_path / "parts").iterdir())
    assert names == ["manifest.json", "train.jsonl", "val.jsonl"]


def test_the_same_split_may_be_made_again_and_another_may_not(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    first = split(source, out, SHARES, 0)
    assert split(source, out, SHARES, 0) == first
    with pytest.raises(UsageError, match="holds another split"):
        split(source, out, {"val": 0.1, "test": 0.0}, 0)
    (out / "manifest.json").unlink()
    with pytest.raises(UsageError, match="holds another split"):
        split(source, out, SHARES, 0)


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
        split(source, tmp_path, SHARES, 0)
    assert stored.read_text() == text and "--out" in caught.value.fix
    assert not (tmp_path / "train.jsonl").exists()


def test_a_split_is_known_again_wherever_its_rows_lie(source: Path, tmp_path: Path) -> None:
    first = split(source, tmp_path / "parts", SHARES, 0)
    moved = source.rename(tmp_path / "moved.jsonl")
    assert split(moved, tmp_path / "parts", SHARES, 0) == first


@pytest.mark.parametrize("shares", [{"val": 0.5, "test": 0.5}, {"val": 0.9, "test": 0.2}, {"val": -0.1, "test": 0.2}])
def test_shares_that_make_no_sense(source: Path, tmp_path: Path, shares: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="of the rows for training"):
        split(source, tmp_path / "parts", shares, 0)


def test_too_few_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "sft.jsonl", [row("p0"), row("p1")])
    with pytest.raises(
        UsageError,
        match=r"(val|test) would hold 0 of 2 rows where 0.05 of them were asked for.* 2 groups, the largest of 1 rows",
    ):
        split(path, tmp_path / "parts", {"val": 0.05, "test": 0.05}, 0)
    assert not (tmp_path / "parts").exists()


def test_files_that_are_no_sft_files(tmp_path: Path) -> None:
    for rows, said in (([], "holds no row"), ([{"instruction": "a"}], "not an SFT row")):
        path = write(tmp_path / "sft.jsonl", rows)
        with pytest.raises(InputError, match=said):
            split(path, tmp_path / "parts", SHARES, 0)
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    path = write(tmp_path / "sft.jsonl", [{"messages": turns, "problem_id": "p"}])
    with pytest.raises(InputError, match="the roles are user, assistant"):
        split(path, tmp_path / "parts", SHARES, 0)


def test_public_data_both_files(public_bench: Path, tmp_path: Path) -> None:
    """All 774 problems of the smaller file are in the larger too; merged, they must not leak."""
    lines = []
    for name in ("sft_gpt52chat.json", "sft_heuristic.json"):
        convert_file(public_bench / "sft" / name, tmp_path / name, AlpacaConverter())
        lines.append((tmp_path / name).read_text())
    (tmp_path / "all.jsonl").write_text("".join(lines))
    done = split_file(tmp_path / "all.jsonl", tmp_path / "parts", Plan({"val": 0.05, "test": 0.05}))
    assert sum(part.rows for part in done.parts.values()) == done.rows == 5216
    assert (done.groups["count"], done.groups["largest"][0]) == (263, 218)
    assert done.alike == {"text": 5122, "unnamed": 3754}
    assert set(done.shared.values()) == {0}
    assert set(done.parts["val"].types) == set(done.parts["test"].types) == set("ABCD")
    assert done.parts["val"].rows == pytest.approx(261, abs=4)
    masks = [{masked(row.user) for row in read_sft_rows(tmp_path / "parts" / f"{name}.jsonl")} for name in done.parts]
    assert sum(map(len, masks)) == len(set.union(*masks)) == 317
    by_problem = split_file(tmp_path / "all.jsonl", tmp_path / "by", Plan({"val": 0.05, "test": 0.05}, by="problem"))
    assert by_problem.groups["count"] == 4442 and by_problem.shared["text"] > 100


def test_texts_that_differ_in_names_and_numbers_stay_together(tmp_path: Path) -> None:
    stories = [f"row_{index} of {'very ' * (index % 25)}long texts is at most {index}" for index in range(200)]
    path = write(tmp_path / "sft.jsonl", [row(f"p{index}", user=text) for index, text in enumerate(stories)])
    done = split_file(path, tmp_path / "parts", Plan(SHARES))
    assert done.groups == {"count": 25, "largest": [8] * 5, "parts": {"train": 18, "val": 2, "test": 5}}
    assert done.alike == {"text": 200, "unnamed": 0}


def test_a_group_too_large_for_the_shares_is_refused_with_the_way_out(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"1 groups, the largest of 310 rows") as caught:
        split_file(source, tmp_path / "parts", Plan(SHARES))
    assert caught.value.fix.startswith("Give --by problem") and not (tmp_path / "parts").exists()


def test_folds_hold_every_row_once_for_validation(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    done = split_file(source, out, Plan({}, folds=3, by="problem", seed=1))
    every = sorted(problems_of(source))
    vals = [problems_of(out / name / "val.jsonl") for name in done.parts]
    assert sorted(problem for val in vals for problem in val) == every and [len(val) for val in vals] == [104, 103, 103]
    for val, name in zip(vals, done.parts, strict=True):
        assert sorted(val + problems_of(out / name / "train.jsonl")) == every
    with pytest.raises(UsageError, match="holds another split"):
        split_file(source, out, Plan({}, folds=2, by="problem", seed=1))
    with pytest.raises(UsageError, match="leaves nothing to train on"):
        split_file(source, out, Plan({}, folds=1))


def test_rows_are_written_byte_for_byte(tmp_path: Path) -> None:
    odd = json.dumps(row("p0", user="caf\u00e9")).replace('"extra": 1', '"extra": 1.50, "extra": {"a" : "\\u00e9"}')
    lines = [odd, *(json.dumps(row(f"p{index}")) for index in range(1, 30))]
    path = tmp_path / "sft.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\n".join(lines).encode() + b"  ")
    done = split(path, tmp_path / "parts", {"val": 0.2, "test": 0.0}, 0)
    written = [line for name in done.parts for line in (tmp_path / "parts" / f"{name}.jsonl").read_text().splitlines()]
    assert sorted(written) == sorted(lines)


def test_a_part_that_lost_a_row_is_not_called_whole(source: Path, tmp_path: Path) -> None:
    out, plan = tmp_path / "parts", Plan(SHARES, by="problem")
    split_file(source, out, plan)
    for name, change, said in (
        ("val.jsonl", lambda text: text.partition("\n")[2], "not every row is in exactly one part: all parts"),
        (
            "val.jsonl",
            lambda text: text.replace('"extra": 1', '"extra": 2', 1),
            "not every row is in exactly one part: all parts",
        ),
    ):
        kept = (out / name).read_text()
        (out / name).write_text(change(kept))
        with pytest.raises(RuntimeError, match=said):
            proved(out, read_keys(source, "rows"), plan.files(list(plan.wanted())), ("problem",), 1, "local")
        (out / name).write_text(kept)


def test_the_same_parts_from_two_processes(public_bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordebug.core.parallel.SMALL_FILE_BYTES", 0)
    convert_file(public_bench / "sft" / "sft_gpt52chat.json", tmp_path / "all.jsonl", AlpacaConverter())
    shares = {"val": 0.1, "test": 0.1}
    one, two = (split_file(tmp_path / "all.jsonl", tmp_path / str(n), Plan(shares, workers=n)) for n in (1, 2))
    assert one == two
