from __future__ import annotations

from dataclasses import replace

import pytest

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.capacity_search import Found
from rtbench.report.figures import capacity_goodput


def result(*steps) -> CapacityResult:
    return CapacityResult("s", "emulator", "websocket", False, (), Found("edge", 20.0, margin=2.0), steps)


def test_goodput_bends_away_from_all_turns_and_what_was_lost_is_per_minute(make_step) -> None:
    figure = capacity_goodput.draw(result(make_step(10, 500.0), make_step(30, 900.0)))
    assert figure is not None
    upper, lower = figure.axes
    lines = {line.get_label(): list(line.get_ydata()) for line in upper.lines}
    assert lines["all turns"] == [4.0, 4.0]
    assert lines["goodput"] == [4.0, 2.0]
    assert list(lower.lines[0].get_ydata()) == [0.0, 12.0]


def test_cost_has_a_panel_where_sessions_have_a_price(make_step) -> None:
    priced = replace(make_step(10, 500.0), cost_usd_per_hour=14.4)
    figure = capacity_goodput.draw(result(priced, make_step(30, 900.0)))
    assert figure is not None
    assert figure.axes[2].lines[0].get_ydata()[0] == pytest.approx(14.4)


def test_without_steps_there_is_no_picture() -> None:
    assert capacity_goodput.draw(result()) is None
