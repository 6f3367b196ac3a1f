import pytest

from rtbench.report.figures import pareto


def _labels(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def _point(figure, label: str):
    return next(line for line in figure.axes[0].lines if line.get_gid() == label)


def test_every_point_stands_at_its_median_dead_air_and_its_share_of_pauses_cut_off(make_point) -> None:
    figure = pareto.draw([make_point(200, 210.0, 0.6), make_point(500, 510.0, 0.25)])
    assert figure is not None
    dot = _point(figure, "silence_duration_ms=500")
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (510.0, 25.0)
    assert _labels(figure) == ["silence_duration_ms=200", "silence_duration_ms=500"]


def test_the_line_joins_the_frontier_and_no_other_point(make_point) -> None:
    results = [make_point(900, 900.0, 0.05), make_point(600, 600.0, 0.5), make_point(200, 200.0, 0.4)]
    figure = pareto.draw(results)
    assert figure is not None
    line = next(line for line in figure.axes[0].lines if line.get_label() == "frontier")
    assert list(line.get_xdata()) == [200.0, 900.0]
    assert list(line.get_ydata()) == pytest.approx([40.0, 5.0])
    markers = {number: _point(figure, f"silence_duration_ms={number}").get_marker() for number in (600, 900)}
    assert markers == {600: "s", 900: "o"}


def test_of_many_points_only_those_on_the_frontier_are_labelled(make_point) -> None:
    beaten = [make_point(300 + number * 100, 400.0 + number, 0.5) for number in range(pareto.MOST_LABELS)]
    figure = pareto.draw([make_point(200, 210.0, 0.1), *beaten])
    assert figure is not None
    assert _labels(figure) == ["silence_duration_ms=200"]


def test_both_axes_begin_at_nothing(make_point) -> None:
    figure = pareto.draw([make_point(500, 510.0, 0.25)])
    assert figure is not None
    axes = figure.axes[0]
    assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)
    assert axes.get_xlim()[1] > 510.0 * 1.2


def test_without_an_operating_point_there_is_no_figure(make_point) -> None:
    assert pareto.draw([make_point(500, None, 0.2), make_point(600, 100.0, None)]) is None
