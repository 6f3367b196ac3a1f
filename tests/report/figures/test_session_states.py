from rtbench.report.figures import session_states
from rtbench.results.reader import Run


def test_the_longest_outage_comes_first_and_bars_follow_the_states(beset_run: Run) -> None:
    figure = session_states.draw(beset_run)
    assert figure is not None
    axes = figure.axes[0]
    first, second = beset_run.sessions["session"].iloc[:2]
    assert [label.get_text() for label in axes.get_yticklabels()] == [second, first]
    bars = [(round(bar.get_x()), round(bar.get_width())) for bars in axes.containers for bar in bars]
    assert bars == [(2, 5), (7, 1), (8, 1), (0, 1), (1, 3), (4, 1), (5, 1), (6, 3)]
    legend = axes.get_legend()
    assert legend is not None
    assert "connected, in writing" in [text.get_text() for text in legend.get_texts()]


def test_sessions_without_trouble_have_no_lane(empty_run: Run) -> None:
    assert session_states.draw(empty_run) is None
