from rtbench.analysis.errors import count_errors
from rtbench.report.figures import errors
from rtbench.results.reader import Run


def test_there_is_a_bar_for_each_class_in_each_of_the_three_places(run: Run) -> None:
    figure = errors.draw(run)
    assert figure is not None
    counts = count_errors(run.turns, run.sessions)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == counts.classes
    widths = [[patch.get_width() for patch in bars] for bars in axes.containers]
    assert widths == [
        [by_class.get(name, 0) for name in counts.classes]
        for by_class in (counts.reported, counts.turns, counts.sessions)
    ]


def test_a_run_without_errors_needs_no_figure(empty_run: Run) -> None:
    assert errors.draw(empty_run) is None
