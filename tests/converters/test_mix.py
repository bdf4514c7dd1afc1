import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.mix import General, Messages, Mix, general, mix_file, shared_out, usable
from ordebug.core.errors import InputError, UsageError

ROWS = [
    {
        "messages": [
            {"role": "user", "content": f"ask {i}"},
            {"role": "assistant", "content": "<think>\na\n</think>\n\nb"},
        ]
    }
    for i in range(90)
]
GOOD = [
    {"messages": [{"role": "user", "content": f"say {i}"}, {"role": "assistant", "content": str(i)}]} for i in range(30)
]


def words(rows: Sequence[Messages]) -> int:
    return sum(len(turn["content"].split()) for row in rows for turn in row)


def load(name: str) -> Sequence[Mapping[str, Any]]:
    return {"good": GOOD, "half": [*GOOD[:3], {"messages": []}, {"messages": [GOOD[0]["messages"][1]]}]}[name]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\ufeff" + "".join(json.dumps(row) + " \r\n\n" for row in ROWS))
    return path


def mixed(source: Path, sources: list[General], *, seed: int = 0, name: str = "out.jsonl") -> tuple[Mix, list[str]]:
    out = source.with_name(name)
    done = mix_file(source, sources, out, share=0.1, seed=seed, load=load, count_tokens=words, max_length=100)
    return done, out.read_text().splitlines()


def test_every_row_is_kept_and_a_tenth_is_general(source: Path) -> None:
    done, lines = mixed(source, [General("good")])
    own = [line for line in lines if json.loads(line).get("source") != "good"]
    assert sorted(own) == sorted(json.dumps(row) for row in ROWS) and own != [json.dumps(row) for row in ROWS]
    drawn = done.general["good"]
    assert (done.rows, drawn.rows, drawn.tokens, drawn.without_thought) == (90, 10, 30, 10)
    assert (done.share_of_rows, done.tokens, done.share_of_tokens) == (0.1, 90 * 6, round(30 / 570, 6))
    stored = json.loads(source.with_name("out.manifest.json").read_text())
    assert stored["general"]["good"]["rows"] == 10 and stored["sha256"] == done.sha256
    assert set(json.loads(lines[0])) <= {"messages", "problem_id", "base_id", "step", "source", "error_type"}


def test_the_seed_decides(source: Path) -> None:
    first, again = mixed(source, [General("good")]), mixed(source, [General("good")], name="again.jsonl")
    other = mixed(source, [General("good")], seed=1, name="other.jsonl")
    assert first[1] == again[1] != other[1]


def test_rows_that_are_no_conversation_are_passed_over_and_counted(source: Path) -> None:
    done, _ = mixed(source, [General("half", 3), General("good")])
    assert (done.general["half"].rows, done.general["good"].rows) == (3, 7)
    assert sum(done.general["half"].passed_over.values()) <= 2
    with pytest.raises(UsageError, match="half gives 3 usable rows of 5, and 4 were asked for"):
        mixed(source, [General("half", 4)])


def test_shares_and_counts() -> None:
    assert shared_out([General("a"), General("b"), General("c", 2)], 0.1, 90) == {"a": 4, "b": 4, "c": 2}
    assert shared_out([General("a", 50)], 0.1, 90) == {"a": 50}
    for sources, share, said in (
        ([General("a")], 1.0, "no share"),
        ([General("a"), General("a", 3)], 0.1, "names a twice"),
        ([General("a"), General("b", 10)], 0.1, "leaves 0 for a"),
    ):
        with pytest.raises(UsageError, match=said):
            shared_out(sources, share, 90)


def test_a_source_may_say_how_many(tmp_path: Path) -> None:
    assert general("a/b#20") == General("a/b", 20) and general("hf::a/b:c") == General("hf::a/b:c")
    (tmp_path / "odd#name").touch()
    assert general(str(tmp_path / "odd#name")).rows is None
    for text in ("a#", "a#0", "a#x", "#5"):
        with pytest.raises(UsageError, match="no count of rows"):
            general(text)


def test_what_a_conversation_may_be() -> None:
    turns = [("system", "s"), ("user", "<b> <|im_end|>"), ("assistant", " <think>a</think>b")]
    made = usable({"messages": [{"role": role, "content": text, "loss": None} for role, text in turns]})
    assert [turn["content"] for turn in made] == ["s", "<b> ‹|im_end|>", "<think>\na\n</think>\n\nb"]
    for bad in (
        [("user", "a")],
        [("assistant", "a")],
        [("user", "a"), ("user", "b"), ("assistant", "c")],
        [("user", ""), ("assistant", "c")],
        [("user", "a"), ("assistant", "<think>open")],
        [("user", "a"), ("tool", "b"), ("assistant", "c")],
    ):
        with pytest.raises(InputError):
            usable({"messages": [{"role": role, "content": text} for role, text in bad]})


def test_longer_rows_are_passed_over(source: Path) -> None:
    """By one token: ``words`` counts two for a row of GOOD, and ms-swift adds an empty thought of four."""
    arguments: dict[str, Any] = {"share": 0.1, "seed": 0, "load": load, "count_tokens": words}
    out = source.with_name("out.jsonl")
    assert mix_file(source, [General("good")], out, **arguments, max_length=7).general["good"].passed_over == {}
    with pytest.raises(UsageError, match="0 usable rows of 30"):
        mix_file(source, [General("good")], out, **arguments, max_length=6)


def test_files_that_cannot_be_mixed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is the input itself"):
        mixed(source, [General("good")], name="rows.jsonl")
    for text, said in (("", "holds no row"), ("5\n", "without messages"), ("{\n", "not JSON")):
        path = tmp_path / "bad.jsonl"
        path.write_text(text * 20)
        with pytest.raises(InputError, match=said):
            mixed(path, [General("good")])
    assert not (tmp_path / "out.jsonl").exists()
