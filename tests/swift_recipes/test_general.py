import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("swift")

ASK, SAY = "What is two and two?", "Four."
SHAPES = {
    "alpaca.jsonl": {"instruction": ASK, "input": "", "output": SAY},
    "sharegpt.json": {"conversations": [{"from": "human", "value": ASK}, {"from": "gpt", "value": SAY}]},
    "messages.jsonl": {"messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": SAY}]},
}


def mix(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ordebug")), "data", "mix", "rows.jsonl", *words]
    own = {**os.environ, "HF_HUB_OFFLINE": "1", "USE_HF": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=own)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "<think>\nt\n</think>\n\nAction: SUBMIT()"},
    ]
    (tmp_path / "rows.jsonl").write_text((json.dumps({"messages": turns}) + "\n") * 27)
    for name, row in SHAPES.items():
        rows = [row] * 4
        text = json.dumps(rows) if name.endswith("json") else "".join(json.dumps(item) + "\n" for item in rows)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.slow
def test_ms_swift_reads_local_files_offline(folder: Path) -> None:
    sources = [word for name in SHAPES for word in ("--general", name)]
    done = mix(folder, *sources, "--out", "out.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert {name: drawn["rows"] for name, drawn in told["general"].items()} == dict.fromkeys(SHAPES, 1)
    # <|im_start|>user\n + 6 + <|im_end|>\n, <|im_start|>assistant\n + 2 + <|im_end|>\n
    assert {drawn["tokens"] for drawn in told["general"].values()} == {3 + 6 + 2 + 3 + 2 + 2}
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert (
        len(rows) == 30
        and [row["messages"] for row in rows if row.get("source")] == [SHAPES["messages.jsonl"]["messages"]] * 3
    )


@pytest.mark.slow
def test_thoughts_that_swift_infer_wrote_are_kept(folder: Path) -> None:
    """A result file as ms-swift 4.6.0 writes it; what was cut off in its thought, or is too long, is passed over."""
    whole, cut, long = (f"<think>\n{text}" for text in ("Two more.\n</think>\n\nFour.", "Two", "b " * 99 + "</think>c"))
    written = [
        {
            "response": reply,
            "labels": SAY,
            "logprobs": None,
            "messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": reply}],
            "dataset": "prompts.jsonl",
        }
        for reply in [whole] * 3 + [cut] * 2 + [long]
    ]
    (folder / "general.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))
    words = ("--general", "general.jsonl", "--out", "out.jsonl", "--max-length", "60")
    done = mix(folder, *words, "--share", "0.2")
    assert done.returncode == 2 and "3 usable rows of 6" in done.stderr, done.stderr
    done = mix(folder, *words)
    assert done.returncode == 0 and "without a thought" not in done.stdout, done.stderr
    rows = map(json.loads, (folder / "out.jsonl").read_text().splitlines())
    assert [row["messages"] for row in rows if row.get("source")] == [written[0]["messages"]] * 3


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached(folder: Path) -> None:
    done = mix(folder, "--general", "hf::nobody/nothing#2", "--out", "out.jsonl")
    assert done.returncode == 2 and "could not be loaded from its hub" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr.partition("error:")[2] and not (folder / "out.jsonl").exists()
    done = mix(folder, "--general", "missing.jsonl", "--out", "out.jsonl")
    assert done.returncode == 2 and "missing.jsonl does not exist" in done.stderr, done.stderr
