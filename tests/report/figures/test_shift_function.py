"""The picture of a shift function."""

from types import SimpleNamespace

from rtbench.analysis.shift import Shift
from rtbench.report.figures import shift_function

POINTS = [
    Shift(0.1, 500.0, 20.0, 5.0, 35.0),
    Shift(0.5, 700.0, 40.0, 30.0, 50.0),
    Shift(0.95, 1500.0, 200.0, 90.0, 310.0),
]


def test_each_point_stands_at_its_wait_in_the_base() -> None:
    figure = shift_function.draw(SimpleNamespace(shift=POINTS))
    line = next(line for line in figure.axes[0].lines if line.get_label() == "run - base")
    assert list(line.get_xdata()) == [500.0, 700.0, 1500.0]
    assert list(line.get_ydata()) == [20.0, 40.0, 200.0]
    assert {text.get_text() for text in figure.axes[0].texts} == {"p10", "p50", "p95"}


def test_the_band_reaches_from_end_to_end() -> None:
    figure = shift_function.draw(SimpleNamespace(shift=POINTS))
    (band,) = figure.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (5.0, 310.0)


def test_without_points_there_is_no_picture() -> None:
    assert shift_function.draw(SimpleNamespace(shift=[])) is None
