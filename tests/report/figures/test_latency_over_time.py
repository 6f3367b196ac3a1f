import dataclasses

from rtbench.report.figures import latency_over_time
from rtbench.results.reader import Run


def _labels(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_every_turn_that_asks_for_an_answer_is_a_point_of_its_kind(run: Run) -> None:
    figure = latency_over_time.draw(run)
    assert figure is not None
    points = {kind.get_label(): len(kind.get_offsets()) for kind in figure.axes[0].collections}
    turns = run.turns
    assert points["never answered"] == turns["outcome"].isin(["no_answer", "failed", "dropped"]).sum()
    assert sum(points.values()) == len(turns)


def test_median_and_p95_run_over_groups_large_enough_for_a_p95(run: Run) -> None:
    figure = latency_over_time.draw(run)
    assert figure is not None
    median, p95 = figure.axes[0].lines
    assert (
        len(median.get_xdata()) == (run.turns["voice_to_voice_ms"].notna() & ~run.turns["void"]).sum() // 59
    )
    assert (p95.get_ydata() > median.get_ydata()).all()


def test_too_few_turns_get_no_lines(run: Run) -> None:
    figure = latency_over_time.draw(dataclasses.replace(run, turns=run.turns.head(50)))
    assert figure is not None
    assert "median" not in _labels(figure)


def test_without_turns_there_is_nothing_to_draw(empty_run: Run) -> None:
    assert latency_over_time.draw(empty_run) is None
