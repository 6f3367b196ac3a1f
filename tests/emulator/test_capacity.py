"""The limits of a service, worked out by hand, and against Erlang's formulas for calls that come independently."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from pydantic import ValidationError

from rtbench.core.client_events import ResponseCreate
from rtbench.core.machine import Disconnected
from rtbench.core.response_events import AudioDelta, ResponseDone
from rtbench.emulator.capacity import Capacity, Occupancy
from rtbench.emulator.session import EmulatedSession
from rtbench.scenario.duration import Duration

MS = 1_000_000


def capacity(**written: Any) -> Capacity:
    return Capacity.model_validate(written)


def ask(occupancy: Occupancy, limits: Capacity | None, at_ms: float, hold_ms: float) -> float | None:
    """Milliseconds to wait for a slot, None for a refusal."""
    place = occupancy.take_slot(limits, round(at_ms * MS), lambda: round(hold_ms * MS))
    return None if place is None else place.queued_ns / MS


def test_without_limits_everybody_is_served_at_once() -> None:
    occupancy = Occupancy()
    assert occupancy.has_room(None)
    assert [ask(occupancy, None, 0, 100) for _ in range(50)] == [0.0] * 50
    assert occupancy.slow_down_ms(None) == 0.0


def test_answers_wait_in_line_for_the_slot_that_is_free_first() -> None:
    occupancy, limits = Occupancy(), capacity(slots=2, queue=3)
    assert ask(occupancy, limits, 0, 100) == 0
    assert ask(occupancy, limits, 10, 50) == 0
    assert ask(occupancy, limits, 20, 30) == 40  # the second is free at 60
    assert ask(occupancy, limits, 20, 30) == 70  # then the third's, at 90
    assert ask(occupancy, limits, 100, 30) == 0  # the first's was free at 100


def test_beyond_the_queue_an_answer_is_refused_until_somebody_begins() -> None:
    occupancy, limits = Occupancy(), capacity(slots=1, queue=1)
    assert ask(occupancy, limits, 0, 100) == 0
    assert ask(occupancy, limits, 10, 100) == 90
    assert ask(occupancy, limits, 99, 100) is None
    assert ask(occupancy, limits, 100, 100) == 100  # the second has begun, at 100


def test_a_service_with_slots_and_no_queue_refuses_at_once() -> None:
    occupancy, limits = Occupancy(), capacity(slots=2)
    assert [ask(occupancy, limits, 0, 100) for _ in range(3)] == [0, 0, None]
    assert ask(occupancy, limits, 100, 100) == 0


def test_sessions_have_room_up_to_the_limit() -> None:
    occupancy, limits = Occupancy(), capacity(sessions=2)
    for _ in range(2):
        assert occupancy.has_room(limits)
        occupancy.enter()
    assert not occupancy.has_room(limits)
    occupancy.leave()
    assert occupancy.has_room(limits)


@pytest.mark.parametrize(("sessions", "added_ms"), [(0, 0), (20, 0), (21, 15), (40, 300)])
def test_the_slow_down_is_a_straight_line_above_a_number_of_sessions(sessions: int, added_ms: float) -> None:
    occupancy, limits = Occupancy(), capacity(slow_down={"above": 20, "per_session": "15 ms"})
    for _ in range(sessions):
        occupancy.enter()
    assert occupancy.slow_down_ms(limits) == added_ms


def test_the_share_that_is_refused_is_erlangs() -> None:
    # 8 slots, 5 erlangs: 7.0 % by Erlang's formula B, whatever the holding times' distribution.
    load, slots, count = 5.0, 8, 40_000
    terms = [load**busy / math.factorial(busy) for busy in range(slots + 1)]
    rng, occupancy, limits, at_ms = random.Random(7), Occupancy(), capacity(slots=slots), 0.0
    refused = 0
    for _ in range(count):
        at_ms += rng.expovariate(1 / 100)
        refused += ask(occupancy, limits, at_ms, rng.uniform(0, 2 * 100 * load)) is None
    assert refused / count == pytest.approx(terms[-1] / sum(terms), abs=0.006)


def test_the_wait_is_that_of_a_single_server_with_a_long_line() -> None:
    # M/D/1 at 60 %: the mean wait is rho / (2 (1 - rho)) services, 0.75 of them (Pollaczek and Khinchine).
    rng, occupancy, limits, at_ms = random.Random(3), Occupancy(), capacity(slots=1, queue=1000), 0.0
    waits = []
    for _ in range(60_000):
        at_ms += rng.expovariate(0.6 / 100)
        waits.append(ask(occupancy, limits, at_ms, 100))
    assert sum(wait for wait in waits if wait is not None) / len(waits) == pytest.approx(75.0, rel=0.06)


@pytest.mark.parametrize(
    "written",
    [
        {"queue": 3},
        {"hold": "300 ms"},
        {"slots": 0},
        {"refusal": 500},
        {"slow_down": {"above": 3}},
        {"slot": 1},
    ],
)
def test_limits_that_make_no_sense_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        capacity(**written)


def test_a_holding_time_may_be_drawn() -> None:
    limits = capacity(slots=3, hold={"empirical": ["200 ms"]})
    assert limits.hold.draw_ms(random.Random(1)) == 200.0
    assert capacity(slow_down={"per_session": "1 s"}).slow_down.per_session == Duration.parse("1 s")  # type: ignore[union-attr]


# In a session.


def answers(caller: Any) -> list[tuple[str, Any]]:
    return [(done.response["status"], done.response["status_details"]) for done in caller.of(ResponseDone)]


def test_an_answer_without_a_place_fails_at_once_with_the_apis_error(call) -> None:
    caller = call(response_delay="200 ms", capacity={"slots": 1})
    caller.send(ResponseCreate(response={"conversation": "none"}))
    caller.send(ResponseCreate())
    error = {"type": "rate_limit_error", "code": "rate_limit_exceeded"}
    assert answers(caller) == [("failed", {"type": "failed", "error": error})]
    caller.wait(5_000)
    assert [status for status, _ in answers(caller)] == ["failed", "completed"]
    caller.send(ResponseCreate())  # the slot is free again
    caller.wait(5_000)
    assert answers(caller)[-1] == ("completed", None)


def test_an_answer_that_waits_comes_as_much_later_and_the_truth_tells_it(call) -> None:
    caller = call(response_delay="200 ms", capacity={"slots": 1, "queue": 1, "hold": "700 ms"})
    caller.send(ResponseCreate(response={"conversation": "none"}))
    caller.wait(100)
    asked_ms = caller.now_ms
    caller.send(ResponseCreate())
    caller.wait(5_000)
    first_audio_ms = {}
    for event in caller.of(AudioDelta):
        first_audio_ms.setdefault(event.response_id, caller.instant_ms(event))
    assert max(first_audio_ms.values()) - asked_ms == pytest.approx(600 + 200)
    queued = sorted((row.queued_ms, row.response_delay_drawn_ms) for row in caller.hang_up())
    assert queued == [(0.0, 200.0), (600.0, 200.0)]


def test_answers_come_later_by_the_sessions_that_are_open(make_service, call) -> None:
    caller = call(response_delay="200 ms", capacity={"slow_down": {"per_session": "50 ms"}})
    asked_ms = caller.now_ms
    caller.send(ResponseCreate())
    caller.wait(5_000)
    assert caller.instants_ms(AudioDelta)[0] - asked_ms == pytest.approx(250)
    assert [row.slow_down_ms for row in caller.hang_up()] == [50.0]


def test_a_session_has_its_place_from_its_beginning_to_its_end(make_service) -> None:
    service = make_service()
    names = {"model": "gpt-realtime", "expires_at": 1_800_000_000}
    first, second = (EmulatedSession(service, token=f"t{n}", number=n, **names) for n in (1, 2))
    assert service.occupancy.sessions == 0
    first.start(0)
    second.start(0)
    assert service.occupancy.sessions == 2
    first.receive(Disconnected(1000, ""), 10 * MS)
    first.receive(Disconnected(1000, ""), 20 * MS)
    assert service.occupancy.sessions == 1
