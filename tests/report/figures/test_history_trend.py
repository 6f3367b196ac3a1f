"""The picture of a history."""

from rtbench.analysis.change_points import ChangePoint
from rtbench.analysis.history import History, Night, Trend
from rtbench.report.figures import history_trend


def history(*levels: float, change: ChangePoint | None = None, direction: int = -1) -> History:
    nights = [
        Night(f"n{day}", f"2026-11-{day:02}T02:00:00+00:00", "VALID", 1, {"voice_to_voice_ms_p50": level})
        for day, level in enumerate(levels, 1)
    ]
    trend = Trend("voice_to_voice_ms_p50", direction, nights, [change] if change else [])
    return History("calls", nights, [trend], [])


def test_a_change_is_marked_and_each_side_has_its_level() -> None:
    figure = history_trend.draw(history(1.0, 3.0, 9.0, 11.0, change=ChangePoint(2, 2.0, 10.0, 0.01)))
    lines = {line.get_gid(): line for line in figure.axes[0].lines}
    assert lines["voice_to_voice_ms_p50 2"].get_linestyle() == "--"  # slower is worse
    levels = [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert [2.0, 2.0] in levels and [10.0, 10.0] in levels


def test_a_change_for_the_better_looks_different() -> None:
    better = history(1.0, 3.0, 9.0, 11.0, change=ChangePoint(2, 2.0, 10.0, 0.01), direction=1)
    lines = {line.get_gid(): line for line in history_trend.draw(better).axes[0].lines}
    assert lines["voice_to_voice_ms_p50 2"].get_linestyle() == ":"


def test_one_night_is_no_trend() -> None:
    assert history_trend.draw(history(1.0)) is None
