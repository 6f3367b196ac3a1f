"""Arrival traces from CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.scenario.arrival_trace import read_trace


def test_a_trace_without_names_is_read_by_the_number_of_its_column(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("x,4.5\ny,6\n\n")
    assert read_trace(path, "2") == (0.0, 1.5)


@pytest.mark.parametrize(
    ("content", "column", "told"),
    [
        ("", "seconds", "is empty"),
        ("seconds\n", "seconds", "is empty"),
        ("second\n1\n", "seconds", r"no column 'seconds'; did you mean 'second'\?"),
        ("seconds\n1\nsoon\n", "seconds", r"line 3: must be a number of seconds, not 'soon'"),
        ("a,seconds\n1\n", "seconds", r"line 2: must be a number of seconds, not nothing"),
        ("seconds\nnan\n", "seconds", r"line 2: must be a number"),
    ],
)
def test_a_trace_that_is_none_is_told_with_its_line(tmp_path: Path, content, column, told) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=told):
        read_trace(path, column)


def test_a_trace_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"calls.csv: there is no such arrival trace$"):
        read_trace(tmp_path / "calls.csv", "seconds")
