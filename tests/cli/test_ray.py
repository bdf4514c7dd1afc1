"""The commands that take ``--executor ray`` write what they write with local processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")

ORDEBUG = str(Path(sys.executable).with_name("ordebug"))
COMMANDS = (
    "problems generate --out problems --count 10 --types A,D --seed 5",
    "rollout --policy oracle --problems problems --out run --alone",
    "data convert rows.jsonl --out sft.jsonl",
    "data audit rows.jsonl --html audit.html",
    "data split sft.jsonl --out parts --by problem --val 0.1 --test 0.1",
)


def files(folder: Path) -> dict[str, object]:
    """What was written, without what no two runs have in common."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.name == "episodes.jsonl":
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found[str(path)] = [[{**step, "seconds": 0} for step in row["steps"]] for row in rows]
        elif path.is_file() and path.name not in ("manifest.json", ".lock"):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return {name.removeprefix(f"{folder}/"): content for name, content in found.items()}


@pytest.mark.slow
def test_ray_writes_the_same_bytes(tmp_path: Path) -> None:
    rows = [
        {"instruction": "a", "input": f"ID: p{index}\nat most {index}", "output": "Action: SUBMIT()"}
        for index in range(60)
    ]
    written = []
    for executor in ("local", "ray"):
        folder = tmp_path / executor
        folder.mkdir()
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for command in COMMANDS:
            words = [ORDEBUG, *command.split(), "--executor", executor, "--workers", "2"]
            done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
            assert done.returncode == 0, done.stderr
        written.append(files(folder))
    assert written[0] == written[1] and len(written[0]) > 20
