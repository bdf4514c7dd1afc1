"""Whatever stands in a file, the audit says something of it and never fails."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ordebug.converters.audit.audit import audit
from ordebug.converters.audit.html import write_html

WORDS = (
    "<think>", "</think>", "\n", "Action: DROP_CONSTRAINT(", "c1", ")", "Step 9", "3.5", "1e999", "'", '"', "\ud800",
    "Conflicting Constraints: ['c1', 'c2']\n", "Conflicting Bounds: [\"x\\", "Constraints: 99999999999999999999\n",
    "(1) c1: x >= 3\n", "IIS bounds: x up to 3\n", "Protected: c1\n", "Type: A\n", "ID: p\n", "<|im_end|>", "[", "{}",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map("".join) | st.text(max_size=20)
VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)
TURNS = st.lists(
    st.fixed_dictionaries({}, optional={"role": st.sampled_from(["system", "user", "assistant"]), "content": VALUES})
    | VALUES,
    max_size=4,
)
GOOD_TURNS = st.tuples(TEXTS, TEXTS).map(
    lambda texts: [{"role": "user", "content": texts[0]}, {"role": "assistant", "content": texts[1]}]
)
KEYS = {
    "instruction": VALUES | TEXTS,
    "input": TEXTS,
    "output": TEXTS | VALUES,
    "metadata": VALUES | st.dictionaries(st.sampled_from(["problem_id", "error_type"]), VALUES),
    "messages": GOOD_TURNS | TURNS | VALUES,
    "conversations": TURNS | VALUES,
    "problem_id": VALUES,
}
ROWS = st.lists(st.fixed_dictionaries({}, optional=KEYS) | VALUES, min_size=1, max_size=5)


@settings(max_examples=300)
@given(ROWS)
def test_any_rows(rows: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in [{"output": ""}, *rows]))
        done = audit([path])
        write_html(done, path.with_suffix(".html"))
        assert done.rows == len(rows) + 1
        assert done.count("error") >= 1
        json.dumps(done.as_json(), allow_nan=False)
        for finding in done.findings:
            assert 0 <= finding.count <= finding.of
            assert len(finding.examples) <= 5
            assert "{" not in finding.title.replace("{N}", "")
