"""Audits of rows that are made in the test."""

from collections.abc import Callable
from typing import Any

import pytest

from ordebug.converters.audit.audit import audit
from ordebug.converters.audit.finding import Audit, Finding

Look = Callable[..., dict[str, Finding]]


@pytest.fixture
def audited(write_rows: Callable[..., Any]) -> Callable[..., Audit]:
    return lambda rows, question=None: audit([write_rows(rows)], question)


@pytest.fixture
def look(audited: Callable[..., Audit]) -> Look:
    """The findings of some rows by kind."""
    return lambda rows, question=None: {finding.kind: finding for finding in audited(rows, question).findings}
