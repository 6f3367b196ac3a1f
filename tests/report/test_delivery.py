from dataclasses import replace

import pytest

from rtbench.analysis.delivery import Delivery
from rtbench.analysis.sweep import PointResult, SweepPoint, measure_point
from rtbench.report.delivery import HEAD, delivery_cells, delivery_sentence, is_about_delivery
from rtbench.report.sweep import SweepReport, render_csv, render_markdown


@pytest.fixture
def make(make_point):
    """A point of a comparison of transports: its settings, median wait, and kbit/s up and down."""

    def point(number: int, wait_ms: float, up: float, down: float, **settings) -> PointResult:
        plain = make_point(100 * number, wait_ms, 0.5)
        metric = plain.voice_to_voice
        delivery = Delivery(metric, metric, metric, metric, up, down, 1.25, 0.0125, 4.375)
        return replace(plain, point=SweepPoint(number, settings), delivery=delivery)

    return point


@pytest.fixture
def results(make) -> list[PointResult]:
    return [
        make(1, 700.0, 27.0, 19.0, transport="webrtc", codec="opus"),
        make(2, 720.0, 66.0, 40.0, transport="webrtc", codec="pcmu"),
        make(3, 655.0, 530.0, 280.0, transport="websocket"),
    ]


def test_only_sweeps_that_change_nothing_but_the_carriage_are_about_delivery(results, make) -> None:
    assert is_about_delivery(results)
    assert not is_about_delivery([*results, make(4, 1.0, 1.0, 1.0, **{"session.voice": "cedar"})])
    assert not is_about_delivery([])


def test_a_row_has_a_cell_for_each_heading(results) -> None:
    cells = dict(zip(HEAD, delivery_cells(results[0]), strict=True))

    assert cells["voice to voice p50 / p95"] == "700 / 840"
    assert (cells["kbit/s up"], cells["kbit/s down"], cells["CPU ms per session-s"]) == ("27", "19", "1.25")
    assert (cells["loss"], cells["MOS"], cells["verdict"]) == ("1.2%", "4.38", "VALID")


def test_a_point_that_never_began_has_no_figures() -> None:
    never = measure_point(SweepPoint(1, {"transport": "webrtc"}), "", 5, None)

    assert delivery_cells(never) == ["0", *["–"] * (len(HEAD) - 2), "exit code 5"]


def test_the_sentence_names_the_ends(results) -> None:
    assert delivery_sentence(results) == (
        "the median wait was 655 ms (transport=websocket) to 720 ms (transport=webrtc, codec=pcmu), and a session took "
        "46 kbit/s both ways (transport=webrtc, codec=opus) to 810 kbit/s (transport=websocket)"
    )
    assert delivery_sentence([]) == "too few turns came to an end to compare them"


def test_the_sweep_s_table_is_that_of_delivery_and_what_a_point_does_not_set_is_open(results) -> None:
    report = SweepReport("codec_matrix", "x.yaml", 3, results)
    markdown = render_markdown(report)

    assert report.sentence.startswith("3 points; the median wait was 655 ms")
    assert "| transport | codec | n | voice to voice p50 / p95 |" in markdown
    assert "| websocket | – | 80 | 655 / 786 |" in markdown
    assert "false cut-offs" not in markdown
    rows = render_csv(report).splitlines()
    assert rows[0].startswith("point,transport,codec,turns,") and rows[0].endswith("packet_loss,mos")
    assert rows[3].startswith("3,websocket,,80,") and rows[3].endswith("530.0,280.0,1.25,0.0125,4.375")
