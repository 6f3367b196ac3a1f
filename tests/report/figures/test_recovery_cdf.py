import dataclasses

from rtbench.report.figures import recovery_cdf
from rtbench.results.reader import Run


def test_each_stage_is_a_curve_over_all_outages_and_rotations_are_none(beset_run: Run) -> None:
    figure = recovery_cdf.draw(beset_run)
    assert figure is not None
    axes = figure.axes[0]
    curves = {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()
    }
    assert curves["new session (2)"] == ([0, 2, 6, 6], [0, 50, 100, 100])
    assert curves["next answer audible (1)"] == ([0, 3.5, 3.5], [0, 50, 50])  # the other never came
    assert "2 outages" in axes.get_ylabel()


def test_an_outage_alone_is_told_in_the_singular(beset_run: Run) -> None:
    figure = recovery_cdf.draw(dataclasses.replace(beset_run, incidents=beset_run.incidents.head(1)))
    assert figure is not None
    assert figure.axes[0].get_ylabel() == "% of 1 outage"


def test_where_no_outage_reached_any_stage_there_is_no_empty_figure(beset_run: Run) -> None:
    nowhere = beset_run.incidents.assign(reconnect_ms=None, restore_ms=None, recovery_ms=None)
    assert recovery_cdf.draw(dataclasses.replace(beset_run, incidents=nowhere)) is None


def test_a_run_without_outages_needs_no_figure(empty_run: Run) -> None:
    assert recovery_cdf.draw(empty_run) is None
