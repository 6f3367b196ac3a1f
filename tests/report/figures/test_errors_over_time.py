import dataclasses

from rtbench.report.figures import errors_over_time
from rtbench.results.reader import Run

ATTEMPTS = "attempts to connect (2, at most 2 a second)"


def test_errors_are_stacked_by_class_and_attempts_to_connect_drawn_beside(beset_run: Run) -> None:
    figure = errors_over_time.draw(beset_run)
    assert figure is not None
    axes = figure.axes[0]
    totals = {str(bars.get_label()): sum(bar.get_height() for bar in bars) for bars in axes.containers}
    assert totals == {"connection_lost (2)": 2, "upgrade_503 (1)": 1}
    (attempts,) = axes.get_lines()
    assert (attempts.get_label(), sum(attempts.get_ydata())) == (ATTEMPTS, 2)


def test_the_new_connection_of_a_rotation_is_no_attempt_in_an_outage(beset_run: Run) -> None:
    tried = beset_run.incidents["attempts"].iloc[0]
    incidents = beset_run.incidents.assign(attempts=[tried] * len(beset_run.incidents))
    figure = errors_over_time.draw(dataclasses.replace(beset_run, incidents=incidents))
    assert figure is not None
    assert figure.axes[0].get_lines()[0].get_label() == ATTEMPTS


def test_attempts_are_drawn_where_nobody_met_an_error(beset_run: Run) -> None:
    """A limit that is obeyed is no error, and the service bears the tries all the same."""
    figure = errors_over_time.draw(dataclasses.replace(beset_run, mishaps=beset_run.mishaps.head(0)))
    assert figure is not None
    assert figure.axes[0].containers == []
    assert [str(line.get_label()) for line in figure.axes[0].get_lines()] == [ATTEMPTS]


def test_a_run_without_errors_needs_no_figure(empty_run: Run) -> None:
    assert errors_over_time.draw(empty_run) is None
