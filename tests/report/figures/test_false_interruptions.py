import dataclasses

from rtbench.report.figures import false_interruptions
from rtbench.results.reader import Run


def test_there_is_a_row_for_each_kind_of_disturbance_and_none_for_interruptions(run: Run) -> None:
    figure = false_interruptions.draw(run)
    assert figure is not None
    counts = run.stimuli.loc[~run.stimuli["takes_turn"], "kind"].value_counts()
    named = [label.get_text().split("\n") for label in figure.axes[0].get_yticklabels()]
    assert named == [[kind.replace("_", " "), f"n={count}"] for kind, count in counts.items()]


def test_without_a_disturbance_there_is_nothing_to_draw(run: Run, empty_run: Run) -> None:
    interruptions = run.stimuli[run.stimuli["takes_turn"]]
    assert false_interruptions.draw(dataclasses.replace(run, stimuli=interruptions)) is None
    assert false_interruptions.draw(empty_run) is None
