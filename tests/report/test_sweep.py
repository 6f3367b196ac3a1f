import csv
import io
import json
import re
from pathlib import Path

import html5lib
import pytest

from rtbench.analysis.sweep import SweepPoint, measure_point
from rtbench.analysis.verdict import Level
from rtbench.core.errors import UsageError
from rtbench.report.sweep import SweepReport, render_csv, render_markdown, write_sweep

KEY = "session.turn_detection.silence_duration_ms"


@pytest.fixture
def report(make_point) -> SweepReport:
    results = [
        make_point(200, 210.0, 0.6),
        make_point(500, 510.0, 0.25),
        make_point(700, 710.0, 0.3, Level.SUSPECT),
    ]
    return SweepReport("vad", "scenarios/vad.yaml", 3, results)


def test_a_sweep_is_told_by_the_two_ends_of_its_frontier(report: SweepReport) -> None:
    assert report.sentence == (
        "3 points; 2 are on the frontier, from 210 ms of dead air with 60.0% false cut-offs (silence_duration_ms=200) "
        "to 510 ms of dead air with 25.0% false cut-offs (silence_duration_ms=500)."
    )


def test_what_was_cut_short_lacks_points_or_cannot_be_relied_on_is_said(make_point) -> None:
    doubtful = [make_point(500, 510.0, 0.25, Level.INVALID)]
    assert SweepReport("vad", "x", 4, doubtful).sentence == (
        "1 of 4 points were run; no other does better than 510 ms of dead air with 25.0% false cut-offs "
        "(silence_duration_ms=500) in either. 1 of the runs cannot be relied on."
    )
    unplaced = [make_point(500, None, 0.25)]
    assert SweepReport("vad", "x", 1, unplaced).sentence == (
        "1 point; none has enough turns and hold pauses for an operating point."
    )


def test_everything_is_written_and_the_page_needs_nothing_from_elsewhere(
    report: SweepReport, tmp_path: Path
) -> None:
    page = write_sweep(tmp_path, report)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("sweep.json", "sweep.csv", "sweep.md", "sweep.html", "pareto.png")
    }
    text = page.read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', text) == [
        f"{number}/run/report.html" for number in (200, 500, 700)
    ]
    assert json.loads((tmp_path / "sweep.json").read_text())["frontier"] == [2, 5]


def test_a_sweep_without_an_operating_point_has_no_figure(make_point, tmp_path: Path) -> None:
    (tmp_path / "pareto.png").touch()
    page = write_sweep(tmp_path, SweepReport("vad", "x", 1, [make_point(500, None, 0.2)]))
    assert "<figure" not in page.read_text()
    assert not (tmp_path / "pareto.png").exists()


def test_a_directory_that_cannot_be_written_to_is_told_in_one_sentence(
    report: SweepReport, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"the report cannot be written \(.+\)\.$"):
        write_sweep(tmp_path / "absent", report)


def test_the_markdown_table_has_a_row_a_point_and_a_star_on_the_frontier(report: SweepReport) -> None:
    rows = [line for line in render_markdown(report).splitlines() if line.startswith("|")]
    assert rows[0].startswith("| silence_duration_ms | n | dead air p50 / p95 |")
    assert rows[2].startswith("| 200 * | 80 | 210 / 252 |")
    assert rows[4].startswith("| 700 | 80 |")
    assert rows[4].endswith("| 30.0% | [15.0%, 40.0%] | 97.5% | 97.5% | 95.0 | SUSPECT |")
    assert len({row.count("|") for row in rows}) == 1


def test_the_csv_names_settings_by_their_whole_keys_and_leaves_the_unknown_empty(make_point) -> None:
    never = measure_point(SweepPoint(9, {KEY: 900}), "", 5, None)
    rows = list(
        csv.DictReader(
            io.StringIO(render_csv(SweepReport("v", "x", 2, [make_point(200, 210.0, 0.6), never])))
        )
    )
    assert (rows[0][KEY], rows[0]["dead_air_p50_ms"], rows[0]["false_cutoff_rate"]) == ("200", "210.0", "0.6")
    assert (rows[0]["conversation_flow"], rows[0]["on_frontier"], rows[0]["run"]) == ("95.0", "1", "200/run")
    assert (rows[1]["exit_code"], rows[1]["verdict"], rows[1]["dead_air_p50_ms"]) == ("5", "", "")


def test_settings_that_end_alike_are_told_apart(make_point) -> None:
    alike = make_point(200, 210.0, 0.6, **{"other.silence_duration_ms": 7})
    head = render_markdown(SweepReport("v", "x", 1, [alike])).splitlines()[4]
    assert head.startswith(f"| {KEY} | other.silence_duration_ms | n |")


def test_a_point_that_never_ran_says_with_which_exit_code() -> None:
    never = measure_point(SweepPoint(1, {KEY: 200}), "", 5, None)
    assert "| exit code 5 |" in render_markdown(SweepReport("v", "x", 1, [never]))
