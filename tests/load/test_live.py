import io

import pytest
from rich.console import Console

from rtbench.load.live import WINDOW_TURNS, LiveFigures, progress


@pytest.fixture
def figures() -> LiveFigures:
    return LiveFigures()


def turn(outcome: str = "answered", latency_ms: float | None = None, error_class: str = "") -> dict:
    return {"outcome": outcome, "voice_to_voice_ms": latency_ms, "error_class": error_class}


def shown(figures: LiveFigures, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(progress(figures, "quickstart", users=20, elapsed_s=12.4))
    return console.file.getvalue()


def test_before_the_first_turn_nothing_is_known(figures) -> None:
    assert (figures.turns, figures.sessions, figures.send_lateness_max_ms) == (0, 0, 0.0)
    assert figures.latency_ms(0.5) is None


def test_quantiles_are_of_the_answered_turns_by_nearest_rank(figures) -> None:
    for latency_ms in range(1, 101):
        figures.take("turns", turn(latency_ms=float(latency_ms)))
    figures.take("turns", turn("no_answer", error_class="answer_timeout"))
    assert [figures.latency_ms(q) for q in (0.0, 0.5, 0.95, 1.0)] == [1.0, 50.0, 95.0, 100.0]
    assert figures.turns == 101


def test_quantiles_are_of_the_last_turns_only(figures) -> None:
    for _ in range(WINDOW_TURNS):
        figures.take("turns", turn(latency_ms=900.0))
    for _ in range(WINDOW_TURNS):
        figures.take("turns", turn(latency_ms=100.0))
    assert figures.latency_ms(1.0) == 100.0


def test_a_turn_that_asked_for_no_answer_is_no_turn_to_be_judged(figures) -> None:
    figures.take("turns", turn("not_asked"))
    assert (figures.turns, figures.errors.total()) == (0, 0)


def test_an_answer_in_text_counts_and_has_no_latency_of_voice(figures) -> None:
    figures.take("turns", turn("answered", latency_ms=None))
    assert figures.turns == 1
    assert figures.latency_ms(0.5) is None


def test_errors_are_counted_by_class_and_by_outcome_where_there_is_none(figures) -> None:
    figures.take("turns", turn("no_answer", error_class="answer_timeout"))
    figures.take("turns", turn("cancelled"))
    figures.take("sessions", {"outcome": "failed", "error_class": "connect_refused"})
    figures.take("sessions", {"outcome": "dropped", "error_class": ""})
    assert figures.errors == {"answer_timeout": 1, "cancelled": 1, "connect_refused": 1, "dropped": 1}


@pytest.mark.parametrize("outcome", ["completed", "drained", "interrupted"])
def test_a_session_that_ended_as_it_should_is_no_error(figures, outcome) -> None:
    figures.take("sessions", {"outcome": outcome, "error_class": ""})
    assert figures.errors.total() == 0


def test_a_turn_cut_short_by_the_runs_own_end_is_no_error(figures) -> None:
    figures.take("turns", turn("interrupted"))
    assert figures.errors.total() == 0


def test_sessions_are_summed_and_lateness_is_the_worst_over_engines_by_their_last_word(figures) -> None:
    for worker, sessions, late_ms in (("w0", 10, 9.0), ("w1", 5, 0.7), ("w0", 12, 0.4)):
        row = {"worker": worker, "sessions": sessions, "send_lateness_max_ms": late_ms}
        figures.take("generator", row)
    assert figures.sessions == 17
    assert figures.send_lateness_max_ms == 0.7


def test_waveforms_are_not_shown(figures) -> None:
    figures.take("waveforms", {"peaks": [1]})
    assert figures.turns == 0


def test_the_progress_fits_eighty_columns_and_names_every_figure(figures) -> None:
    for latency_ms in (480.4, 12_345.6):
        figures.take("turns", turn(latency_ms=latency_ms))
    figures.take("generator", {"worker": "w0", "sessions": 1_000, "send_lateness_max_ms": 0.42})
    lines = shown(figures).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].strip() == "quickstart"
    assert lines[1].split("  ")[0].strip() == "time"
    for figure in ("12 s", "20", "1000", "2", "480 ms", "12346 ms", "0", "0.4 ms"):
        assert figure in lines[2]


def test_a_lateness_that_casts_doubt_on_the_run_is_coloured(figures) -> None:
    figures.take("generator", {"worker": "w0", "sessions": 1, "send_lateness_max_ms": 5.0})
    column = progress(figures, "", 1, 0).renderables[0].columns[-1]
    assert "yellow" not in next(iter(column.cells))
    figures.take("generator", {"worker": "w0", "sessions": 1, "send_lateness_max_ms": 5.1})
    column = progress(figures, "", 1, 0).renderables[0].columns[-1]
    assert "yellow" in next(iter(column.cells))


def test_the_verdict_as_it_stands_is_told_with_the_worst_of_what_speaks_against_it(figures) -> None:
    assert shown(figures).splitlines()[-1].strip() == "VALID so far"
    for number in range(100):
        figures.take("turns", turn(latency_ms=500.0) | {"void": number < 2})
    figures.take(
        "generator", {"worker": "w0", "sessions": 1, "send_lateness_max_ms": 0.1, "rows_written": 107}
    )
    lines = shown(figures).splitlines()
    assert lines[-1].strip() == "INVALID so far: 7 of 107 rows of turns and sessions were lost"
    assert max(map(len, lines)) <= 80
