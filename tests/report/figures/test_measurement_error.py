import dataclasses

from rtbench.report.figures import measurement_error
from rtbench.results.reader import Run


def test_the_histogram_holds_all_but_the_far_ends_of_the_errors(run: Run, summary) -> None:
    figure = measurement_error.draw(run)
    assert figure is not None
    axes = figure.axes[0]
    counted = sum(patch.get_height() for patch in axes.patches)
    assert 0.99 * summary.measurement_error.n <= counted <= summary.measurement_error.n
    assert f"mean {summary.measurement_error.mean_ms:+.2f} ms" in axes.texts[0].get_text()


def test_interruptions_have_panels_of_their_own_where_the_log_knows_of_them(run: Run, summary) -> None:
    figure = measurement_error.draw(run)
    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "voice_to_voice_ms",
        "barge_in_detect_ms",
        "barge_in_server_stop_ms",
    ]
    error = summary.turn_taking.measurement_errors["barge_in_detect_ms"]
    assert f"n = {error.n:,}" in figure.axes[1].texts[0].get_text()
    without = measurement_error.draw(dataclasses.replace(run, stimuli=run.stimuli.head(0)))
    assert without is not None and len(without.axes) == 1


def test_against_a_target_without_a_log_there_is_no_figure(empty_run: Run) -> None:
    assert measurement_error.draw(empty_run) is None
