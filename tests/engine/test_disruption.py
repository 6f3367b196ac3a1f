"""Random breaks and storms on a clock of the test's own."""

from __future__ import annotations

import pytest

from rtbench.engine import disruption
from rtbench.engine.disruption import RandomBreaks, StormClock
from rtbench.scenario.drop import RandomDrops, Storm

S = 1_000_000_000


class Alarm:
    def __init__(self, at_ns, callback) -> None:
        self.at_ns, self.callback = at_ns, callback

    def cancel(self) -> None:
        self.callback = lambda now: None


class Clock:
    """Alarms that ring when the test says so, from 0 on."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    def call_at(self, at_ns, callback) -> Alarm:
        self.alarms.append(Alarm(at_ns, callback))
        return self.alarms[-1]

    def run_until(self, seconds: float) -> None:
        while due := [alarm for alarm in self.alarms if alarm.at_ns <= seconds * S]:
            alarm = min(due, key=lambda alarm: alarm.at_ns)
            self.alarms.remove(alarm)
            alarm.callback(alarm.at_ns)


class Call:
    def __init__(self) -> None:
        self.cuts: list[str] = []

    def cut(self, how: str) -> None:
        self.cuts.append(how)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    monkeypatch.setattr(disruption, "monotonic_ns", lambda: 0)
    return Clock()


def test_a_call_is_broken_again_and_again_by_its_seed(clock) -> None:
    drops = RandomDrops.model_validate({"every": "10 s .. 20 s", "how": ["reset", "half_open"]})
    calls = [Call(), Call()]
    for call in calls:
        RandomBreaks(drops, 7, call, clock)
    clock.run_until(200)

    assert calls[0].cuts == calls[1].cuts
    assert 10 <= len(calls[0].cuts) <= 20
    assert set(calls[0].cuts) == {"reset", "half_open"}


def test_stopped_it_breaks_nothing_more(clock) -> None:
    call = Call()
    breaks = RandomBreaks(RandomDrops.model_validate({"every": "1 s"}), 7, call, clock)
    clock.run_until(3.5)
    breaks.stop()
    clock.run_until(10)

    assert len(call.cuts) == 3


def test_a_storm_takes_its_share_of_the_calls_under_way(clock) -> None:
    calls = [Call() for _ in range(10)]
    storm = Storm.model_validate({"share": "50 %", "at": "5 s", "every": "10 s"})
    running = StormClock(storm, 1, lambda: calls, clock)
    clock.run_until(4)
    assert sum(len(call.cuts) for call in calls) == 0
    clock.run_until(26)
    assert sum(len(call.cuts) for call in calls) == 15
    running.stop()
    clock.run_until(100)

    assert sum(len(call.cuts) for call in calls) == 15
