import pytest

from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.sentence import plain_sentence
from rtbench.analysis.thresholds import Status, ThresholdResult
from rtbench.analysis.verdict import Level
from rtbench.scenario.threshold import Threshold

INF = float("inf")


def _waits(n: int, median: float | None, p95: float | None) -> tuple[Quantile, Quantile]:
    return Quantile(0.5, n, median), Quantile(0.95, n, p95)


def test_a_run_is_told_by_median_p95_losses_and_thresholds() -> None:
    threshold = Threshold("voice_to_voice_ms", "p50", "<", 900)
    results = [ThresholdResult(threshold, status, 1200, 1.0) for status in ("passed", "failed")]
    assert plain_sentence(Level.VALID, _waits(1200, 812.4, 1420.0), 3, 1, results) == (
        "Half of 1,200 turns were answered within 812 ms of the end of speech, 95% within 1,420 ms; "
        "3 (0.2%) were never answered; 1 session failed or dropped; 1 of 2 thresholds holds."
    )


@pytest.mark.parametrize(
    ("waits", "words"),
    [
        (_waits(0, None, None), "No turn that asks for an answer was finished."),
        (_waits(1, None, None), "Only 1 of the 5 turns that a median needs came to an end."),
        (_waits(30, 800.0, None), "too few turns for a 95th percentile"),
        (_waits(100, 800.0, INF), "within 800 ms of the end of speech, but fewer than 95% at all."),
        (_waits(100, INF, INF), "Fewer than half of 100 turns were answered."),
    ],
)
def test_what_cannot_be_told_is_said_in_words(waits: tuple[Quantile, Quantile], words: str) -> None:
    assert words in plain_sentence(Level.VALID, waits, 0, 0, [])


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (["failed"], "0 of 1 threshold holds."),
        (["passed"], "1 of 1 threshold holds."),
        (["failed", "failed"], "0 of 2 thresholds hold."),
    ],
)
def test_verb_and_noun_agree_with_their_numbers(statuses: list[Status], words: str) -> None:
    threshold = Threshold("voice_to_voice_ms", "p50", "<", 900)
    results = [ThresholdResult(threshold, status, 1200, 1.0) for status in statuses]
    assert plain_sentence(Level.VALID, _waits(1200, 812.4, 1420.0), 0, 0, results).endswith(words)


@pytest.mark.parametrize(
    ("level", "opening"),
    [(Level.SUSPECT, "With reservations, half"), (Level.INVALID, "This run cannot be relied on")],
)
def test_doubt_comes_before_the_numbers(level: Level, opening: str) -> None:
    assert plain_sentence(level, _waits(100, 800.0, 900.0), 0, 0, []).startswith(opening)


def test_whether_callers_could_interrupt_is_told_where_they_did() -> None:
    told = plain_sentence(Level.VALID, _waits(100, 800.0, 900.0), 0, 0, [], Rate(80, 0.975, 0.9, 0.99))
    assert told.endswith("95% within 900 ms; the agent yielded to 97.5% of 80 interruptions.")
    few = plain_sentence(Level.VALID, _waits(100, 800.0, 900.0), 0, 0, [], Rate(4, None))
    assert "yielded" not in few
