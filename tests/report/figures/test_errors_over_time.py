from rtbench.report.figures import errors_over_time
from rtbench.results.reader import Run


def test_errors_are_stacked_by_class_and_retries_drawn_beside(beset_run: Run) -> None:
    figure = errors_over_time.draw(beset_run)
    assert figure is not None
    axes = figure.axes[0]
    totals = {str(bars.get_label()): sum(bar.get_height() for bar in bars) for bars in axes.containers}
    assert totals == {"connection_lost (2)": 2, "upgrade_503 (1)": 1}
    (retries,) = axes.get_lines()
    assert (retries.get_label(), sum(retries.get_ydata())) == ("retries (2)", 2)


def test_a_run_without_errors_needs_no_figure(empty_run: Run) -> None:
    assert errors_over_time.draw(empty_run) is None
