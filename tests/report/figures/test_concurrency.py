import dataclasses

from rtbench.report.figures import concurrency
from rtbench.results.reader import Run


def _line(figure, label_prefix: str = "_"):
    return next(line for line in figure.axes[0].lines if line.get_label().startswith(label_prefix))


def test_the_curve_is_the_number_of_sessions_that_the_engines_counted(run: Run) -> None:
    figure = concurrency.draw(run)
    assert figure is not None
    assert max(_line(figure).get_ydata()) == run.generator["sessions"].max()


def test_lost_sessions_are_marked(run: Run) -> None:
    figure = concurrency.draw(run)
    assert figure is not None
    lost = run.sessions["outcome"].isin(["failed", "dropped"]).sum()
    assert len(_line(figure, "failed").get_xdata()) == lost


def test_without_generator_rows_it_is_counted_from_the_sessions_own_spans(run: Run) -> None:
    figure = concurrency.draw(dataclasses.replace(run, generator=run.generator.head(0)))
    assert figure is not None
    heights = _line(figure).get_ydata()
    assert abs(max(heights) - run.generator["sessions"].max()) <= 2
    assert heights[-1] == 0


def test_without_sessions_there_is_nothing_to_draw(empty_run: Run) -> None:
    assert concurrency.draw(empty_run) is None
