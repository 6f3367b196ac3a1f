from __future__ import annotations

import math

import pytest

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.capacity_search import Found, Judgement
from rtbench.report.figures import capacity_slos
from rtbench.scenario.threshold import parse_threshold

SLO = parse_threshold("voice_to_voice_ms:p95<800")


def result(*steps, found: Found | None = None, slos=(SLO,)) -> CapacityResult:
    return CapacityResult(
        "s", "emulator", "websocket", False, slos, found or Found("edge", 20.0, margin=2.0), steps
    )


def test_every_load_stands_where_it_came_to_and_broken_ones_are_crosses(make_step) -> None:
    figure = capacity_slos.draw(result(make_step(10, 500.0), make_step(20, 700.0), make_step(30, 900.0)))
    assert figure is not None
    (axes,) = figure.axes
    by_marker = {line.get_marker(): line for line in axes.lines if line.get_marker() in ("o", "x")}
    assert by_marker["o"].get_xydata().tolist() == [[10, 500], [20, 700]]
    assert by_marker["x"].get_xydata().tolist() == [[30, 900]]
    assert any(line.get_ydata()[0] == 800 and line.get_linestyle() == "--" for line in axes.lines)


def test_a_wait_that_never_ended_stands_at_the_upper_edge_within_the_picture(make_step) -> None:
    figure = capacity_slos.draw(result(make_step(10, 500.0), make_step(30, math.inf)))
    assert figure is not None
    (axes,) = figure.axes
    (cross,) = (line for line in axes.lines if line.get_marker() == "x")
    assert cross.get_ydata()[0] == pytest.approx(920)
    assert cross.get_ydata()[0] <= axes.get_ylim()[1]


def test_the_knee_is_a_band_as_wide_as_its_margin_and_only_where_there_is_one(make_step) -> None:
    steps = make_step(10, 500.0), make_step(30, 900.0)
    with_knee = capacity_slos.draw(result(*steps))
    without = capacity_slos.draw(result(*steps, found=Found("generator", 10.0)))
    assert with_knee is not None and without is not None
    (band,) = with_knee.axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (18.0, 22.0)
    assert not without.axes[0].patches


def test_what_says_nothing_of_the_service_is_not_drawn(make_step) -> None:
    assert capacity_slos.draw(result(make_step(10, 500.0, judgement=Judgement.GENERATOR))) is None
