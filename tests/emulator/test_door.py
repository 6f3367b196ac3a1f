"""Who is let in, by rate, by number, by model and by order."""

from __future__ import annotations

from rtbench.emulator.door import Door, Verdict
from rtbench.emulator.line_faults import parse_line_fault


def door(**faults) -> Door:
    return Door([parse_line_fault(name, written) for name, written in faults.items()], "1")


def statuses(found: Door, count: int, model: str = "m") -> list[int | None]:
    return [found.decide(model, number).status for number in range(count)]


def test_without_faults_everybody_is_let_in() -> None:
    assert door().decide("m", 5) == Verdict()


def test_most_is_counted_over_all_callers() -> None:
    assert statuses(door(refusal={"status": 503, "most": 2}), 4) == [503, 503, None, None]


def test_a_rate_is_held_and_seeded() -> None:
    found = statuses(door(refusal={"status": 500, "rate": 0.3}), 2_000)

    assert 0.25 < found.count(500) / 2_000 < 0.35
    assert found == statuses(door(refusal={"status": 500, "rate": 0.3}), 2_000)


def test_one_model_can_be_refused_and_another_not() -> None:
    found = door(refusal={"status": 503, "model": "large"})

    assert (found.decide("large", 0).status, found.decide("small", 0).status) == (503, None)


def test_a_refusal_says_when_to_come_back() -> None:
    assert door(refusal={"status": 429, "retry_after": "1500 ms"}).decide("m", 0).retry_after_s == 1.5


def test_a_cut_and_a_wait() -> None:
    assert door(refuse=1.0).decide("m", 0) == Verdict(cut=True)
    assert door(slow_upgrade="2 s").decide("m", 0) == Verdict(wait_ns=2_000_000_000)


def test_a_fault_strikes_every_request_of_a_caller_or_the_one_that_is_named() -> None:
    everywhere, at_the_key = door(refusal=500), door(refusal={"status": 500, "at": "key"})

    assert [everywhere.decide("m", 0, at).status for at in ("upgrade", "key", "call")] == [500] * 3
    assert [at_the_key.decide("m", 0, at).status for at in ("upgrade", "key", "call")] == [None, 500, None]


def test_an_order_strikes_once_before_all_else_and_is_written_down() -> None:
    found = door()
    found.order(parse_line_fault("refusal", {"status": 503, "most": 2}))

    assert statuses(found, 3) == [503, 503, None]
    assert [(row.kind, row.setting, row.ordered) for row in found.take_rows()] == [
        ("refusal", "503", True)
    ] * 2
    assert found.take_rows() == []
