import dataclasses

import pytest

from rtbench.report.figures import latency_parts
from rtbench.results.reader import Run


def test_the_four_parts_of_a_bar_add_up_to_the_wait_it_names(run: Run) -> None:
    figure = latency_parts.draw(run)
    assert figure is not None
    axes = figure.axes[0]
    ends: dict[float, float] = {}
    for patch in axes.patches:
        ends[patch.get_y()] = ends.get(patch.get_y(), 0.0) + patch.get_width()
    told = [
        float(text.get_text().strip().removesuffix(" ms").replace(",", ""))
        for text in axes.texts
        if " ms" in text.get_text()
    ]
    assert sorted(ends.values()) == pytest.approx(sorted(told), abs=0.6)


def test_slow_turns_wait_longer_than_typical_ones(run: Run) -> None:
    figure = latency_parts.draw(run)
    assert figure is not None
    typical, slow = (text.get_position()[0] for text in figure.axes[0].texts if " ms" in text.get_text())
    assert slow > typical


def test_the_bands_need_enough_turns_to_mean_anything(run: Run, empty_run: Run) -> None:
    few = dataclasses.replace(run, turns=run.turns.head(latency_parts.MIN_TURNS - 1))
    assert latency_parts.draw(few) is None
    assert latency_parts.draw(empty_run) is None
