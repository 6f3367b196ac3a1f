from __future__ import annotations

from dataclasses import replace

from rtbench.analysis.capacity import CapacityResult, ReferenceWait
from rtbench.analysis.capacity_search import Found
from rtbench.report.figures import capacity_parts


def result(*steps, reference=()) -> CapacityResult:
    return CapacityResult(
        "s", "emulator", "websocket", False, (), Found("edge", 20.0, margin=2.0), steps, reference
    )


def test_the_parts_are_stacked_by_load(make_step) -> None:
    figure = capacity_parts.draw(result(make_step(30, 900.0), make_step(10, 500.0)))
    assert figure is not None
    (axes,) = figure.axes
    endpoint, answer, *_ = axes.collections
    assert endpoint.get_paths()[0].get_extents().y1 == 220
    assert answer.get_paths()[0].get_extents().y1 == 220 + 30 * 30
    assert axes.get_xlim()[0] == 0


def test_the_reference_session_is_a_line_beside_them(make_step) -> None:
    waits = ReferenceWait(9, 480.0), ReferenceWait(2, None)
    figure = capacity_parts.draw(result(make_step(10, 500.0), make_step(30, 900.0), reference=waits))
    assert figure is not None
    (line,) = (line for line in figure.axes[0].lines if line.get_label() == "reference session")
    assert line.get_xydata().tolist() == [[10, 480]]


def test_without_an_answer_there_is_no_picture(make_step) -> None:
    assert capacity_parts.draw(result(replace(make_step(10, 500.0), parts_ms={}))) is None
