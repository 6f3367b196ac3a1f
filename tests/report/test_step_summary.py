"""The summary page of a job."""

from pathlib import Path

from rtbench.report.step_summary import MOST_BYTES, VARIABLE, append_step_summary


def test_pages_are_added_one_below_the_other(tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    assert append_step_summary("# First\n", {VARIABLE: str(page)})
    assert append_step_summary("# Second", {VARIABLE: str(page)})
    assert page.read_text() == "# First\n\n# Second\n\n"


def test_without_a_page_nothing_is_written() -> None:
    assert not append_step_summary("# First", {})
    assert not append_step_summary("# First", {VARIABLE: ""})


def test_a_page_that_cannot_be_written_to_or_would_be_refused_is_left_alone(tmp_path: Path) -> None:
    assert not append_step_summary("# First", {VARIABLE: str(tmp_path / "absent" / "summary.md")})
    page = tmp_path / "summary.md"
    page.write_text("x" * (MOST_BYTES - 5))
    assert not append_step_summary("# First", {VARIABLE: str(page)})
    assert page.stat().st_size == MOST_BYTES - 5
