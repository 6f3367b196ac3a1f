"""The picture of ratios and margins."""

import math
from dataclasses import replace
from types import SimpleNamespace

from rtbench.analysis.bootstrap import Interval
from rtbench.analysis.compare_gate import parse_gate
from rtbench.analysis.compare_metric import Change, MetricComparison
from rtbench.report.figures import ratio_intervals

MEDIAN = MetricComparison(
    parse_gate("voice_to_voice_ms:p50"), Change.REGRESSED, 500.0, 600.0, 480, 480, 60, 60,
    ratio=Interval(1.2, 1.15, 1.25), margin=25.0,
)  # fmt: skip
RATE = MetricComparison(parse_gate("response_rate:rate"), Change.OK, 1.0, 1.0, 480, 480, 60, 60, margin=0.02)


def test_a_figure_has_its_ratio_its_interval_and_its_margin() -> None:
    figure = ratio_intervals.draw(SimpleNamespace(metrics=[MEDIAN, RATE]))
    lines = [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert [1.15, 1.25] in lines
    assert [1.2] in lines
    assert [1.05, 1.05] in lines  # 25 ms of 500
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["voice_to_voice_ms:p50"]


def test_what_has_no_finite_ratio_is_left_out() -> None:
    endless = replace(MEDIAN, ratio=Interval(math.inf, 1.0, math.inf))
    assert ratio_intervals.draw(SimpleNamespace(metrics=[endless, RATE])) is None
