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
def test_a_hub_that_cannot_be_reached(folder: Path) -> None:
    done = mix(folder, "--general", "hf::nobody/nothing#2", "--out", "out.jsonl")
    assert done.returncode == 2 and "could not be loaded from its hub" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr.partition("error:")[2] and not (folder / "out.jsonl").exists()
    done = mix(folder, "--general", "missing.jsonl", "--out", "out.jsonl")
    assert done.returncode == 2 and "missing.jsonl does not exist" in done.stderr, done.stderr
