import dataclasses

import pytest

from rtbench.report.figures import latency_by_turn
from rtbench.results.reader import Run


def _ticks(figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_there_is_a_box_for_each_turn_of_the_conversation_with_its_n(run: Run) -> None:
    figure = latency_by_turn.draw(run)
    assert figure is not None
    answered = run.turns[run.turns["voice_to_voice_ms"].notna() & ~run.turns["void"]]
    assert _ticks(figure) == [
        f"{number}\nn={n}" for number, n in answered["number"].value_counts().sort_index().items()
    ]


def test_the_line_in_the_box_is_the_median(run: Run) -> None:
    first = run.turns[(run.turns["number"] == 0) & ~run.turns["void"]]
    figure = latency_by_turn.draw(dataclasses.replace(run, turns=first))
    assert figure is not None
    median = first["voice_to_voice_ms"].dropna().quantile(0.5, interpolation="lower")
    assert any(
        line.get_ydata()[0] == pytest.approx(median) and line.get_linewidth() == 2
        for line in figure.axes[0].lines
    )


def test_long_conversations_share_boxes(run: Run) -> None:
    turns = run.turns.assign(number=range(len(run.turns)))
    figure = latency_by_turn.draw(dataclasses.replace(run, turns=turns))
    assert figure is not None
    assert len(_ticks(figure)) <= latency_by_turn.MAX_BOXES
    assert _ticks(figure)[0].startswith("0–")


def test_without_an_answer_there_is_no_box(empty_run: Run) -> None:
    assert latency_by_turn.draw(empty_run) is None
