"""The report of a comparison: the same words on terminal, in Markdown and on the page."""

import io
import json
from pathlib import Path

import html5lib
import pytest
from rich.console import Console

from rtbench.analysis.compare import Comparison, compare
from rtbench.analysis.compare_gate import parse_gate
from rtbench.analysis.compare_json import compare_json
from rtbench.core.errors import UsageError
from rtbench.report.compare import HEAD, render_comparison, render_markdown, write_compare
from rtbench.results.reader import read_run


@pytest.fixture(scope="module")
def comparison(night) -> Comparison:
    base = read_run(night("report-base", sessions=40))
    run = read_run(night("report-slow", sessions=40, seed=5, factor=1.4))
    gates = (
        "voice_to_voice_ms:p50",
        "voice_to_voice_ms:p95",
        "response_rate:rate",
        "voice_to_voice_ms:p99.9",
    )
    return compare([base], [run], [parse_gate(gate) for gate in gates])


def printed(comparison: Comparison, width: int = 120) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(render_comparison(comparison))
    return output.getvalue()


def test_everything_is_written(comparison: Comparison, tmp_path: Path) -> None:
    page = write_compare(tmp_path, comparison)
    assert page == tmp_path / "compare.html"
    files = {"compare.html", "compare.md", "compare.json", "ratio_intervals.png", "shift_function.png"}
    assert {path.name for path in tmp_path.iterdir()} == files
    assert json.loads((tmp_path / "compare.json").read_text()) == compare_json(comparison)


def test_the_page_is_valid_and_opens_with_the_verdict(comparison: Comparison, tmp_path: Path) -> None:
    page = write_compare(tmp_path, comparison).read_text()
    html5lib.HTMLParser(strict=True).parse(page)
    assert page.index("REGRESSED") < page.index(comparison.sentence) < page.index("<table>")
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_terminal_opens_with_the_verdict_and_ends_with_the_sentence(comparison: Comparison) -> None:
    lines = printed(comparison).splitlines()
    assert lines[0].strip() == "REGRESSED"
    assert " ".join(lines[-2:]).split()[-1] == comparison.sentence.split()[-1]
    assert max(len(line) for line in printed(comparison, 80).splitlines()) <= 80


def test_each_figure_is_told_with_its_interval_margin_and_n(comparison: Comparison) -> None:
    row = next(line for line in render_markdown(comparison).splitlines() if ":p50`" in line)
    median = comparison.metrics[0]
    assert median.ratio is not None
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == len(HEAD)
    assert cells[3] == f"{median.ratio.estimate - 1:+.1%}"
    assert cells[4] == f"[{median.ratio.low - 1:+.1%}, {median.ratio.high - 1:+.1%}]"
    assert cells[6:] == ["320/320", "REGRESSED"]


def test_a_rate_is_told_in_percentage_points(comparison: Comparison) -> None:
    row = next(line for line in render_markdown(comparison).splitlines() if "response_rate" in line)
    assert "| 100.0% | 100.0% | +0.0 pp | [-1.2, +1.2] | 2 pp |" in row


def test_what_cannot_be_told_says_why_and_what_it_takes(comparison: Comparison) -> None:
    row = next(line for line in render_markdown(comparison).splitlines() if "p99.9" in line)
    assert "INCONCLUSIVE (375 sessions): the base has 320 samples, p99.9 needs 2995" in row


def test_a_directory_that_cannot_be_written_to_is_a_usage_error(
    comparison: Comparison, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_compare(tmp_path / "absent", comparison)
