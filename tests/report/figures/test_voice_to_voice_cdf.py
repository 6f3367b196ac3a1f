import dataclasses

import pytest

from rtbench.report.figures import voice_to_voice_cdf
from rtbench.results.reader import Run


def test_the_curve_ends_below_a_hundred_percent_by_the_turns_never_answered(run: Run, summary) -> None:
    figure = voice_to_voice_cdf.draw(run)
    assert figure is not None
    heights = figure.axes[0].lines[0].get_ydata()
    headline = summary.headline
    assert heights[-1] == pytest.approx(100 * (1 - headline.unanswered / headline.n))
    assert "never answered" in " ".join(text.get_text() for text in figure.axes[0].texts)


def test_the_percentiles_marked_are_those_of_the_table(run: Run, summary) -> None:
    figure = voice_to_voice_cdf.draw(run)
    assert figure is not None
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"p50  {summary.headline.p50.value:,.0f} ms" in labels
    assert f"p95  {summary.headline.p95.value:,.0f} ms" in labels


def test_the_names_of_the_percentiles_lie_off_the_curve(run: Run) -> None:
    figure = voice_to_voice_cdf.draw(run)
    assert figure is not None
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1


def test_a_far_tail_is_cut_off_the_axis_and_told(run: Run) -> None:
    turns = run.turns.copy()
    slowest = turns.index[turns["voice_to_voice_ms"].notna() & ~turns["void"]][0]
    turns.loc[slowest, "voice_to_voice_ms"] = 14_000.0
    figure = voice_to_voice_cdf.draw(dataclasses.replace(run, turns=turns))
    assert figure is not None
    assert figure.axes[0].get_xlim()[1] < 5_000
    assert any("1 slower, up to 14,000 ms" in text.get_text() for text in figure.axes[0].texts)


def test_of_a_few_turns_none_is_cut_off(run: Run) -> None:
    answered = run.turns[run.turns["voice_to_voice_ms"].notna() & ~run.turns["void"]].head(10)
    waits = [800.0] * 9 + [14_000.0]
    turns = answered.assign(voice_to_voice_ms=waits)
    figure = voice_to_voice_cdf.draw(dataclasses.replace(run, turns=turns))
    assert figure is not None
    assert figure.axes[0].get_xlim()[1] > 14_000


def test_without_an_answer_there_is_no_curve(empty_run: Run) -> None:
    assert voice_to_voice_cdf.draw(empty_run) is None
