"""The leading of a shaped load, on a clock that runs as fast as it is read."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from rtbench.load import course as module
from rtbench.load.course import Underway, shaped_course
from rtbench.scenario.shape import parse_shape

NS_PER_S = 1_000_000_000


class VirtualTime:
    """Sleeping is what makes time pass."""

    def __init__(self) -> None:
        self.now_ns = 7 * NS_PER_S

    def sleep(self, seconds: float) -> None:
        self.now_ns += max(1, round(seconds * NS_PER_S))


class Orders:
    """What the callers were told, and when, in seconds from the beginning."""

    def __init__(self, time: VirtualTime) -> None:
        self.told: list[tuple[float, Any]] = []
        self._time = time
        self._start_ns = time.now_ns

    def set_level(self, users: int) -> None:
        self.told.append(((self._time.now_ns - self._start_ns) / NS_PER_S, users))

    def arrive(self) -> None:
        self.told.append(((self._time.now_ns - self._start_ns) / NS_PER_S, "call"))


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    time = VirtualTime()
    monkeypatch.setattr(module, "monotonic_ns", lambda: time.now_ns)
    monkeypatch.setattr(module.gevent, "sleep", time.sleep)
    return time


def drive(time: VirtualTime, written: str) -> tuple[list[tuple[float, Any]], float]:
    """The orders of a shape, and how long it took."""
    orders, start_ns = Orders(time), time.now_ns
    shaped_course(parse_shape(written), seed=3)(orders)
    return orders.told, (time.now_ns - start_ns) / NS_PER_S


def test_a_ramp_is_climbed_in_many_small_steps(time) -> None:
    told, lasted_s = drive(time, "ramp:start=0,users=20,over=10s,hold=5s")
    assert [users for _, users in told] == list(range(1, 21))
    assert all(at_s == pytest.approx((users - 0.5) / 2, abs=0.11) for at_s, users in told)
    assert lasted_s == pytest.approx(15.0, abs=1e-6)


def test_callers_are_told_once_of_a_number_that_stays(time) -> None:
    told, lasted_s = drive(time, "closed:users=12,lasts=1min")
    assert told == [(0.0, 12)]
    assert lasted_s == pytest.approx(60.0, abs=1e-6)


def test_a_spike_comes_and_goes(time) -> None:
    told, _ = drive(time, "spike:base=2,users=30,before=5s,lasts=2s,after=5s")
    assert [users for _, users in told] == [2, 30, 2]
    assert [at_s for at_s, _ in told] == pytest.approx([0.0, 5.0, 7.0], abs=0.11)


def test_calls_of_an_open_load_come_when_they_are_due(time) -> None:
    told, lasted_s = drive(time, "open:rate=4,arrivals=constant,cap=10,lasts=2s")
    assert [at_s for at_s, _ in told] == pytest.approx([0.25 * number for number in range(8)], abs=1e-6)
    assert lasted_s == pytest.approx(2.0, abs=1e-6)


def test_a_course_tells_when_it_is_over_and_what_went_wrong() -> None:
    def fail(lead: Any) -> None:
        raise ValueError("no such level")

    fine, broken = Underway(lambda lead: None, None), Underway(fail, None)  # type: ignore[arg-type]
    assert not fine.over
    gevent.sleep(0)
    assert fine.over
    with pytest.raises(ValueError, match="no such level"):
        _ = broken.over


def test_a_course_that_is_stopped_orders_nothing_more() -> None:
    ordered: list[int] = []

    def endless(lead: Any) -> None:
        while True:
            ordered.append(1)
            gevent.sleep(0)

    underway = Underway(endless, None)  # type: ignore[arg-type]
    gevent.sleep(0)
    underway.stop()
    count = len(ordered)
    gevent.sleep(0)
    assert len(ordered) == count > 0
