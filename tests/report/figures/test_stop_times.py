import dataclasses

import pytest

from rtbench.report.figures import stop_times
from rtbench.results.reader import Run


def _curves(figure) -> dict[str, tuple[list[float], list[float]]]:
    lines = figure.axes[0].lines
    return {
        line.get_label().partition(" ")[0]: (list(line.get_xdata()), list(line.get_ydata()))
        for line in lines
        if not line.get_label().startswith("_")
    }


def test_there_is_a_curve_each_for_detected_server_and_heard_that_ends_at_all(run: Run) -> None:
    figure = stop_times.draw(run)
    assert figure is not None
    curves = _curves(figure)
    assert list(curves) == ["detected", "server", "heard"]
    assert all(heights[-1] == 100 for _, heights in curves.values())
    heard = run.stimuli["barge_in_heard_stop_ms"].dropna()
    assert len(curves["heard"][0]) == len(heard) + 1


def test_the_legend_has_n_and_the_median(run: Run) -> None:
    figure = stop_times.draw(run)
    assert figure is not None
    heard = run.stimuli["barge_in_heard_stop_ms"].dropna()
    median = heard.quantile(0.5, interpolation="lower")
    told = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert f"heard (n={len(heard):,}, median {median:,.0f} ms)" in told


def test_the_limit_is_in_the_picture_and_what_lies_far_beyond_it_is_told(run: Run) -> None:
    figure = stop_times.draw(run)
    assert figure is not None
    right = figure.axes[0].get_xlim()[1]
    assert right > 2_000
    heard = run.stimuli["barge_in_heard_stop_ms"].dropna()
    beyond = heard[heard > right]
    assert len(beyond) > 0
    told = f"{len(beyond)} later, up to {beyond.max():,.0f} ms →"
    assert told in [text.get_text() for text in figure.axes[0].texts]


def test_a_service_that_had_sent_everything_has_no_server_curve(run: Run) -> None:
    stimuli = run.stimuli.assign(barge_in_server_stop_ms=float("nan"))
    figure = stop_times.draw(dataclasses.replace(run, stimuli=stimuli))
    assert figure is not None
    assert list(_curves(figure)) == ["detected", "heard"]


@pytest.mark.parametrize("rows", [0, 1])
def test_without_an_interruption_there_is_no_curve(run: Run, rows: int) -> None:
    disturbances = run.stimuli[~run.stimuli["takes_turn"]].head(rows)
    assert stop_times.draw(dataclasses.replace(run, stimuli=disturbances)) is None
