"""A tally of rows in the engine's own shape, with counts that were made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from rtbench.load import tally as module
from rtbench.load.family import Family
from rtbench.load.live_verdict import LiveVerdict
from rtbench.load.measured import WAIT_BOUNDS_S
from rtbench.load.tally import Tally
from rtbench.scenario.budget import Budget, BudgetMeter


def family(tally: Tally, name: str) -> Family:
    [found] = [each for each in tally.families() if each.name == name]
    return found


def numbers(tally: Tally, name: str) -> dict[Any, float]:
    """Those that are not 0."""
    return {labels: number for labels, number in family(tally, name).numbers.items() if number}


def test_what_can_be_named_is_there_before_anything_has_happened(tally) -> None:
    counted = family(tally, "turns").numbers
    assert counted["answered",] == counted["no_answer",] == 0
    assert family(tally, "void_turns").numbers == {(): 0}
    assert family(tally, "voice_to_voice").distributions == {}
    assert numbers(tally, "verdict") == {("VALID",): 1}
    cases, tokens = family(tally, "rate_cases").numbers, family(tally, "tokens").numbers
    assert cases["yield_rate", "true"] == cases["yield_rate", "false"] == 0
    assert tokens["input_text",] == tokens["output_audio",] == 0


def test_names_are_unique(tally) -> None:
    names = [each.name for each in tally.families()]
    assert sorted(set(names)) == sorted(names)


def test_turns_are_counted_by_outcome_and_their_waits_by_kind(tally, turn_of) -> None:
    for wait_ms in (450, 820, 821):
        tally.take("turns", turn_of(wait_ms))
    tally.take("turns", turn_of(1400, tool=True))
    assert numbers(tally, "turns") == {("answered",): 4}
    assert numbers(tally, "rows_received") == {(): 4}
    waits = family(tally, "voice_to_voice").distributions
    assert set(waits) == {("spoken", "false"), ("spoken", "true")}
    plain = dict(zip(WAIT_BOUNDS_S, waits["spoken", "false"].cumulative(), strict=False))
    assert (plain[0.4], plain[0.5], plain[0.8], plain[0.9]) == (0, 1, 1, 3)
    assert waits["spoken", "false"].total == pytest.approx(2.091)


def test_a_turn_that_was_never_answered_waits_longer_than_any_bound(tally, turn_of) -> None:
    tally.take("turns", turn_of(None, outcome="no_answer"))
    waits = family(tally, "voice_to_voice").distributions["spoken", "false"]
    assert waits.cumulative()[-2:] == [0, 1]
    assert numbers(tally, "rate_cases")["response_rate", "false"] == 1


def test_a_void_turn_is_in_no_distribution(tally, turn_of) -> None:
    tally.take("turns", turn_of(500, late_max_ms=25.0))
    assert numbers(tally, "void_turns") == {(): 1}
    assert family(tally, "voice_to_voice").distributions == {}


def test_rates_are_counted_as_cases(tally, turn_of) -> None:
    for wait_ms in (400, 500):
        tally.take("turns", turn_of(wait_ms))
    tally.take("turns", turn_of(300, agent_cut_in=True))
    cases = numbers(tally, "rate_cases")
    assert cases["response_rate", "true"] == 3
    assert (cases["cut_in_rate", "true"], cases["cut_in_rate", "false"]) == (1, 2)


def test_tokens_and_their_price_are_added_up(tally, turn_of) -> None:
    for _ in range(2):
        tally.take("turns", turn_of(400, cost_usd=0.25, input_audio_tokens=30, output_audio_tokens=80))
    tally.take("turns", turn_of(400, cost_usd=None))
    assert numbers(tally, "cost") == {(): 0.5}
    assert numbers(tally, "tokens") == {("input_audio",): 60, ("output_audio",): 160}


def test_the_sum_of_all_tokens_counts_none_twice(tally, turn_of) -> None:
    tokens = {
        "input_text_tokens": 10,
        "input_audio_tokens": 30,
        "cached_tokens": 25,
        "output_audio_tokens": 5,
    }
    tally.take("turns", turn_of(400, **tokens))
    assert sum(family(tally, "tokens").numbers.values()) == 45
    assert numbers(tally, "cached_tokens") == {(): 25}


def test_sessions_now_and_over(tally, session_of, second_of) -> None:
    tally.take("sessions", session_of("completed", connect_ms=12.0))
    tally.take("sessions", session_of("dropped", connect_ms=None))
    tally.take("generator", second_of("w0", sessions=3))
    tally.take("generator", second_of("w1", sessions=4))
    assert numbers(tally, "sessions_ended") == {("completed",): 1, ("dropped",): 1}
    assert numbers(tally, "sessions") == {("open",): 7, ("wanted",): 9}
    assert family(tally, "connect").distributions[()].counts[3] == 1  # above 10 ms, not above 20
    assert numbers(tally, "rate_cases") == {
        ("session_success_rate", "true"): 1,
        ("session_success_rate", "false"): 1,
    }


def test_where_calls_come_by_themselves_no_number_of_callers_is_wanted(second_of) -> None:
    tally = Tally(LiveVerdict(), None, None)
    tally.take("generator", second_of("w0", sessions=3))
    assert numbers(tally, "sessions") == {("open",): 3}


def test_engines_are_told_by_worker_and_as_of_their_last_second(tally, second_of) -> None:
    tally.take("generator", second_of("w0", sessions=2, cpu_share=0.9, frames_sent=50, loop_lag_max_ms=4.0))
    tally.take("generator", second_of("w0", sessions=2, cpu_share=0.2, frames_sent=40, loop_lag_max_ms=7.0))
    tally.take("generator", second_of("w1", sessions=1, cpu_share=0.4, rows_written=11))
    assert numbers(tally, "engine_cpu") == {("w0",): 0.2, ("w1",): 0.4}
    assert numbers(tally, "loop_lag") == {("w0",): pytest.approx(0.007)}
    assert numbers(tally, "frames_sent") == {(): 90}
    assert numbers(tally, "rows_written") == {("w1",): 11}
    assert numbers(tally, "call_time") == {(): 5.0}


def test_send_lateness_is_of_every_frame(tally, second_of) -> None:
    for late_us, frames in ((300, 90), (4_000, 9), (30_000, 1)):
        histogram = HdrHistogram(1, 60_000_000, 3)
        histogram.record_value(late_us, frames)
        tally.take("generator", second_of("w0", send_lateness=histogram.encode().decode()))
    lateness = family(tally, "send_lateness").distributions[()]
    told = dict(zip(lateness.bounds, lateness.cumulative(), strict=False))
    assert (told[0.0005], told[0.002], told[0.005], told[0.02], told[0.05]) == (90, 90, 99, 99, 100)
    assert lateness.total == pytest.approx(90 * 0.0003 + 9 * 0.004 + 0.03, rel=1e-3)


def test_the_verdict_is_that_of_the_live_view(tally, second_of) -> None:
    tally.take("generator", second_of("w0", cpu_share=0.95))
    assert numbers(tally, "verdict") == {("SUSPECT",): 1}


def test_interruptions_and_losses(tally, stimulus_of, incident_of) -> None:
    tally.take("stimuli", stimulus_of("interrupt", stop_ms=320.0))
    tally.take("stimuli", stimulus_of("cough"))
    tally.take("incidents", incident_of("recovered", recovery_ms=1500.0, lost_turns=1))
    tally.take("incidents", incident_of("gave_up", lost_turns=3))
    assert numbers(tally, "stimuli") == {("interrupt",): 1, ("cough",): 1}
    assert family(tally, "barge_in_heard_stop").distributions["interrupt",].total == pytest.approx(0.32)
    assert numbers(tally, "incidents") == {("drop", "recovered"): 1, ("drop", "gave_up"): 1}
    assert numbers(tally, "lost_turns") == {(): 4}
    recovery = family(tally, "recovery").distributions["drop",]
    assert (recovery.total, recovery.counts[-1]) == (pytest.approx(1.5), 1)


def test_errors_have_a_limited_number_of_labels(tally, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_ERROR_LABELS", 2)
    for error_class in ("rate_limit_exceeded", "invented_1", "invented_2", "invented_3", "invented_1"):
        tally.take("mishaps", {"error_class": error_class, "phase": "waiting"})
    assert numbers(tally, "errors") == {
        ("rate_limit_exceeded", "waiting"): 1,
        ("invented_1", "waiting"): 2,
        ("other", "other"): 2,
    }


@pytest.mark.parametrize(
    "text", ["", "x" * 65, "The model 'Anna Smith' was not found", "line\nbreak", "schlüssel"]
)
def test_a_sentence_of_the_service_is_no_label(tally, text) -> None:
    tally.take("mishaps", {"error_class": text, "phase": "setup"})
    tally.take("mishaps", {"error_class": "http_429.too-many:calls", "phase": "setup"})
    assert numbers(tally, "errors") == {("other", "setup"): 1, ("http_429.too-many:calls", "setup"): 1}


def test_a_budget_is_told_in_its_parts_and_only_where_there_is_one(
    tally, watched: Callable[..., Tally], turn_of
) -> None:
    assert not [each for each in tally.families() if each.name.startswith("budget")]
    meter = BudgetMeter(Budget(usd=2.0, minutes=10.0))
    meter.usd, meter.minutes = 0.5, 4.0
    told = watched(meter)
    assert numbers(told, "budget") == {("spent",): 0.5, ("left",): 1.5}
    assert numbers(told, "budget_call_time") == {("spent",): 240.0, ("left",): 360.0}
    assert not [each for each in watched(BudgetMeter(Budget(usd=2.0))).families() if each.name == "budget_call_time"]  # fmt: skip


def test_other_tables_are_none_of_its_business(tally) -> None:
    before = [dict(each.numbers) for each in tally.families()]
    tally.take("waveforms", {"peaks": [1]})
    assert [dict(each.numbers) for each in tally.families()] == before
