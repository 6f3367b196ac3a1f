import dataclasses

import numpy as np
import pytest

from rtbench.report.figures import network_quality
from rtbench.results.reader import Run


@pytest.fixture
def media(run: Run) -> Run:
    """The run's calls over WebRTC; every second one loses 1 %."""
    sessions = run.sessions.assign(codec="opus", jitter_ms=1.5, round_trip_ms=20.0)
    sessions["packet_loss"] = np.where(np.arange(len(sessions)) % 2, 0.01, 0.0)
    return dataclasses.replace(run, sessions=sessions)


def test_every_call_is_a_point_of_each_panel(media: Run) -> None:
    figure = network_quality.draw(media)
    assert figure is not None
    loss, jitter, round_trip = figure.axes
    for axes, highest in ((loss, 1.0), (jitter, 1.5), (round_trip, 20.0)):
        points = axes.lines[0].get_ydata()
        assert len(points) == len(media.sessions)
        assert max(points) == highest
    assert min(loss.lines[0].get_xdata()) == 0


def test_a_limit_is_drawn_where_it_is_near_and_named_where_it_is_far(media: Run) -> None:
    figure = network_quality.draw(media)
    assert figure is not None
    loss, jitter, round_trip = figure.axes
    assert list(loss.lines[1].get_ydata()) == [2.0, 2.0]
    assert jitter.get_title(loc="right") == "the limit of 30 is far above"  # above the axes, off the points
    assert len(round_trip.lines) == 1


def test_calls_that_began_together_are_not_drawn_apart(media: Run) -> None:
    start_ns = int(media.sessions["at_unix_ns"].min())
    sessions = media.sessions.assign(at_unix_ns=start_ns + 100_000 * np.arange(len(media.sessions)))
    figure = network_quality.draw(dataclasses.replace(media, sessions=sessions))
    assert figure is not None
    left, right = figure.axes[-1].get_xlim()
    assert right - left == pytest.approx(1.06)  # a second, and 3% on either side


def test_calls_over_websockets_have_no_network_to_show(run: Run, empty_run: Run) -> None:
    assert network_quality.draw(run) is None
    assert network_quality.draw(empty_run) is None
