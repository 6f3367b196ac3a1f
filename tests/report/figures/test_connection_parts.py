import dataclasses

import numpy as np
import pytest

from rtbench.analysis.network import CONNECTION_PARTS
from rtbench.report.figures import connection_parts
from rtbench.results.reader import Run


def calls(run: Run, count: int) -> Run:
    """The first calls of a run, over WebRTC, each a millisecond slower than the one before."""
    sessions = run.sessions.head(count).copy()
    for place, name in enumerate(CONNECTION_PARTS, start=1):
        sessions[name] = float(place)
    sessions["sdp_ms"] += np.arange(len(sessions), dtype=float)
    return dataclasses.replace(run, sessions=sessions)


def test_the_parts_of_a_bar_add_up_to_the_time_it_names(run: Run) -> None:
    figure = connection_parts.draw(calls(run, 20))
    assert figure is not None
    ends: dict[float, float] = {}
    for patch in figure.axes[0].patches:
        ends[patch.get_y()] = ends.get(patch.get_y(), 0.0) + patch.get_width()
    # 1 + 2 + 3 + 4 + 5, and 0 to 19 ms on top: 9.5 on average, 18.5 over the slowest two.
    assert sorted(ends.values()) == pytest.approx([24.5, 33.5])
    told = [text.get_text().strip() for text in figure.axes[0].texts]
    assert {"24.5 ms", "33.5 ms", "all\nn=20", "slow\nn=2"} <= set(told)


def test_a_few_calls_have_no_slow_ones(run: Run) -> None:
    figure = connection_parts.draw(calls(run, connection_parts.MIN_CALLS - 1))
    assert figure is not None
    assert len(figure.axes[0].patches) == len(CONNECTION_PARTS)


def test_calls_over_websockets_have_no_such_parts(run: Run, empty_run: Run) -> None:
    assert connection_parts.draw(run) is None
    assert connection_parts.draw(empty_run) is None
