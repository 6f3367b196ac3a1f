"""A sweep as it is printed: nothing is broken, and nothing is missing, however narrow the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from rtbench.analysis.delivery import Delivery
from rtbench.analysis.sweep import PointResult, SweepPoint
from rtbench.analysis.verdict import Level
from rtbench.report.sweep import SweepReport, setting_heads, table_rows
from rtbench.report.sweep_terminal import render_tables


def printed(report: SweepReport, width: int) -> list[list[str]]:
    """The lines of each table."""
    found = []
    for table in render_tables(report, width):
        output = io.StringIO()
        Console(file=output, width=width).print(table)
        found.append([line.rstrip() for line in output.getvalue().splitlines()])
    return found


@pytest.fixture
def codecs(make_point) -> SweepReport:
    """Six points of transports and codecs, with numbers as long as they get."""

    def point(number: int, **settings: str) -> PointResult:
        plain = make_point(100, 1_000.0 + number, 0.5, Level.INVALID)
        wait = plain.voice_to_voice
        delivery = Delivery(wait, wait, wait, wait, 1_060.0, 1_280.0, 11.25, 0.0125, 4.375)
        return replace(plain, point=SweepPoint(number, settings), delivery=delivery, turns=12_800)

    webrtc = [
        point(i, transport="webrtc", codec=codec) for i, codec in enumerate(("opus", "pcmu", "pcma"), 1)
    ]
    return SweepReport(
        "codec_matrix", "x", 6, [*webrtc, *(point(i, transport="websocket") for i in (4, 5, 6))]
    )


@pytest.fixture
def operating_points(make_point) -> SweepReport:
    return SweepReport("vad", "x", 2, [make_point(200, 210.0, 0.6), make_point(500, 510.0, 0.25)])


def test_with_room_for_all_it_is_one_table(codecs, operating_points) -> None:
    assert len(printed(codecs, 160)) == len(printed(operating_points, 160)) == 1


def test_codecs_on_eighty_columns_are_two_tables_that_begin_with_what_they_are_chosen_by(codecs) -> None:
    first, second = printed(codecs, 80)
    assert first[2].split() == ["transport", "codec", "n", "p50", "/", "p95", "wait", "p50", "p50", "answered", "verdict"]  # fmt: skip
    assert first[3].split() == ["webrtc", "opus", "12,800", "1,001", "/", "1,201", "1,001", "1,001", "97.5%", "INVALID"]  # fmt: skip
    assert second[3].split() == ["webrtc", "opus", "1,001", "/", "1,201", "1,060", "1,280", "11.2", "1.2%", "4.38"]  # fmt: skip
    assert [len(first), len(second)] == [3 + 6, 3 + 6]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_word_is_broken_and_no_cell_is_left_out(codecs, operating_points, width) -> None:
    for report in (codecs, operating_points):
        tables = printed(report, width)
        lines = [line for table in tables for line in table]
        assert max(map(len, lines)) <= width
        words = " ".join(lines).split()
        for text in (
            *setting_heads(report),
            *report.head,
            *(cell for row in table_rows(report) for cell in row),
        ):
            assert set(text.split()) <= set(words), text


def test_settings_that_leave_no_room_have_a_table_of_their_own(make_point) -> None:
    others = {
        "session.turn_detection.prefix_padding_ms": 300,
        "session.turn_detection.threshold": 0.5,
        "session.input_audio_noise_reduction": "near_field",
    }
    report = SweepReport(
        "vad", "x", 2, [make_point(200, 210.0, 0.6, **others), make_point(500, 510.0, 0.7, **others)]
    )
    legend, headline, rest = printed(report, 80)
    assert legend == [
        "point settings",
        "  2 * silence_duration_ms=200, prefix_padding_ms=300, threshold=0.5,",
        "      input_audio_noise_reduction=near_field",
        "    5 silence_duration_ms=500, prefix_padding_ms=300, threshold=0.5,",
        "      input_audio_noise_reduction=near_field",
    ]
    assert headline[-1].split()[:2] == ["5", "80"]
    assert rest[-1].split()[0] == "5"


def test_a_sweep_without_a_point_has_its_headings() -> None:
    [table] = printed(SweepReport("vad", "x", 2, []), 200)
    assert table[-1].split()[-1] == "verdict"
