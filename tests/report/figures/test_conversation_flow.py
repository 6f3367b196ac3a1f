import dataclasses

import pytest

from rtbench.report.figures import conversation_flow
from rtbench.results.reader import Run


def test_the_bars_are_the_parts_of_the_table(run: Run, summary) -> None:
    figure = conversation_flow.draw(run)
    assert figure is not None
    parts = summary.turn_taking.flow.parts
    assert [patch.get_width() for patch in figure.axes[0].patches] == pytest.approx(
        [100 * part.right / part.eligible for part in parts]
    )


def test_a_part_without_events_is_left_out(run: Run) -> None:
    interruptions = run.stimuli[run.stimuli["takes_turn"]]
    figure = conversation_flow.draw(dataclasses.replace(run, stimuli=interruptions))
    assert figure is not None
    assert "ignored" not in " ".join(label.get_text() for label in figure.axes[0].get_yticklabels())


def test_without_stimuli_there_is_nothing_to_draw(run: Run) -> None:
    assert conversation_flow.draw(dataclasses.replace(run, stimuli=run.stimuli.head(0))) is None
