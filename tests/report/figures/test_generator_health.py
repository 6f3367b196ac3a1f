import dataclasses

import pandas as pd

from rtbench.analysis import health
from rtbench.report.figures import generator_health
from rtbench.results.reader import Run


def test_lateness_cpu_and_loop_lag_have_a_line_for_each_engine(run: Run) -> None:
    two = pd.concat([run.generator, run.generator.assign(worker="w2")])
    one_figure, two_figure = (
        generator_health.draw(dataclasses.replace(run, generator=rows)) for rows in (run.generator, two)
    )
    assert one_figure is not None and two_figure is not None
    assert [len(b.lines) - len(a.lines) for a, b in zip(one_figure.axes, two_figure.axes, strict=True)] == [
        1,
        1,
        1,
    ]


def test_the_limit_is_in_the_picture_also_where_all_is_well(run: Run) -> None:
    figure = generator_health.draw(run)
    assert figure is not None
    assert figure.axes[0].get_ylim()[1] > 5.0


def test_the_p99_is_named_above_the_axes_off_the_line(run: Run) -> None:
    figure = generator_health.draw(run)
    assert figure is not None
    p99_ms = health.generator_health(run.generator).send_lateness_p99_ms
    assert figure.axes[0].get_title(loc="right") == f"p99 {p99_ms:.2f} ms"


def test_without_generator_rows_there_is_nothing_to_draw(empty_run: Run) -> None:
    assert generator_health.draw(empty_run) is None
