import asyncio

import pytest
import uvloop

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.engine import alarm
from rtbench.engine.alarm import AlarmClock

SOON_NS = 5 * NS_PER_MS
GENEROUS_NS = 50 * NS_PER_MS


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


@pytest.fixture(params=["timerfd", "loop timer"])
def clock(request, runner, monkeypatch):
    """An alarm clock on each kind of timer in each kind of loop."""
    if request.param == "loop timer":
        monkeypatch.setattr(alarm.platform, "system", lambda: "Darwin")

    async def make() -> AlarmClock:
        return AlarmClock(asyncio.get_running_loop())

    clock = runner.run(make())
    yield clock
    clock.close()


@pytest.fixture
def ringings(clock, monkeypatch) -> list[int]:
    """How many alarms were due, each time the timer went off."""
    counts: list[int] = []
    take_due = clock._take_due

    def counted(until_ns: int):
        due = take_due(until_ns)
        counts.append(len(due))
        return due

    monkeypatch.setattr(clock, "_take_due", counted)
    return counts


def spend(runner, seconds: float) -> None:
    runner.run(asyncio.sleep(seconds))


async def until(done: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await done.wait()


def test_alarms_ring_in_the_order_of_their_instants_not_in_the_order_set(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        done = asyncio.Event()
        start = monotonic_ns()
        for delay_ms in (9, 3, 6, 1):
            clock.call_at(start + delay_ms * NS_PER_MS, lambda now, delay_ms=delay_ms: rung.append(delay_ms))
        clock.call_at(start + 10 * NS_PER_MS, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert rung == [1, 3, 6, 9]


def test_alarms_of_one_instant_ring_in_the_order_set(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        done = asyncio.Event()
        at_ns = monotonic_ns() + SOON_NS
        for name in "abc":
            clock.call_at(at_ns, lambda now, name=name: rung.append(name))
        clock.call_at(at_ns, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert rung == ["a", "b", "c"]


def test_a_callback_is_never_told_an_instant_before_its_own_and_soon_after_it(runner, clock) -> None:
    lateness = []

    async def scene() -> None:
        done = asyncio.Event()
        start = monotonic_ns()
        for step in range(1, 11):
            due_ns = start + step * 2 * NS_PER_MS
            clock.call_at(due_ns, lambda now, due_ns=due_ns: lateness.append(now - due_ns))
        clock.call_at(start + 21 * NS_PER_MS, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert len(lateness) == 10
    assert min(lateness) >= 0
    assert sorted(lateness)[5] < GENEROUS_NS


def test_deadlines_are_absolute_so_that_lateness_does_not_add_up(runner, clock) -> None:
    told = []

    async def scene() -> int:
        done = asyncio.Event()
        start = monotonic_ns()

        def tick(now: int) -> None:
            told.append(now)
            if len(told) == 10:
                done.set()
            else:
                clock.call_at(start + len(told) * 2 * NS_PER_MS, tick)

        clock.call_at(start, tick)
        await until(done)
        return start

    start = runner.run(scene())
    assert all(now >= start + index * 2 * NS_PER_MS for index, now in enumerate(told))
    assert told[-1] - (start + 18 * NS_PER_MS) < GENEROUS_NS


def test_a_cancelled_alarm_does_not_ring_and_may_be_cancelled_twice(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        done = asyncio.Event()
        at_ns = monotonic_ns() + SOON_NS
        cancelled = clock.call_at(at_ns, lambda now: rung.append("cancelled"))
        clock.call_at(at_ns, lambda now: done.set())
        cancelled.cancel()
        cancelled.cancel()
        await until(done)

    runner.run(scene())
    assert rung == []


def test_an_alarm_can_cancel_another_of_the_same_instant(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        done = asyncio.Event()
        at_ns = monotonic_ns() + SOON_NS
        victims = []
        clock.call_at(at_ns, lambda now: victims[0].cancel())
        victims.append(clock.call_at(at_ns, lambda now: rung.append("victim")))
        clock.call_at(at_ns, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert rung == []


def test_an_alarm_for_the_past_rings_in_the_next_round_and_not_within_call_at(runner, clock) -> None:
    async def scene() -> list[str]:
        order = []
        done = asyncio.Event()

        def ring(now: int) -> None:
            order.append("rung")
            done.set()

        clock.call_at(monotonic_ns() - SOON_NS, ring)
        order.append("set")
        await until(done)
        return order

    assert runner.run(scene()) == ["set", "rung"]


def test_an_alarm_before_the_one_that_is_awaited_rings_first(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        done = asyncio.Event()
        start = monotonic_ns()
        late = clock.call_at(start + 60_000 * NS_PER_MS, lambda now: rung.append("late"))
        clock.call_at(start + SOON_NS, lambda now: done.set())
        await until(done)
        late.cancel()

    runner.run(scene())
    assert rung == []


def test_alarms_that_are_always_set_for_the_past_leave_the_loop_its_turns(runner, clock) -> None:
    """A machine that wants to be woken at once, for ever, must not stop all other sessions."""

    async def scene() -> tuple[int, bool]:
        rung = 0
        other = asyncio.Event()

        def spin(now: int) -> None:
            nonlocal rung
            rung += 1
            clock.call_at(0, spin)

        clock.call_at(0, spin)
        clock.call_at(monotonic_ns() + SOON_NS, lambda now: other.set())
        await until(other)
        return rung, other.is_set()

    rung, other_rang = runner.run(scene())
    assert rung > 1
    assert other_rang


def test_an_alarm_that_raises_does_not_silence_the_others(runner, clock) -> None:
    rung, reported = [], []

    def fail(now: int) -> None:
        raise RuntimeError("this one is broken")

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: reported.append(str(context["exception"]))
        )
        done = asyncio.Event()
        at_ns = monotonic_ns() + SOON_NS
        clock.call_at(at_ns, fail)
        clock.call_at(at_ns, lambda now: rung.append("same instant"))
        clock.call_at(at_ns + SOON_NS, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert rung == ["same instant"]
    assert reported == ["this one is broken"]


def test_nothing_rings_once_the_clock_is_closed(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        at_ns = monotonic_ns() + SOON_NS
        clock.call_at(at_ns, lambda now: rung.append("before"))
        clock.close()
        clock.call_at(at_ns, lambda now: rung.append("after"))
        clock.close()
        await asyncio.sleep(4 * SOON_NS / 1e9)

    runner.run(scene())
    assert rung == []


def test_a_clock_closed_by_an_alarm_rings_nothing_more_of_that_instant(runner, clock) -> None:
    rung = []

    async def scene() -> None:
        closed = asyncio.Event()

        def close(now: int) -> None:
            clock.close()
            closed.set()

        at_ns = monotonic_ns() + SOON_NS
        clock.call_at(at_ns, close)
        clock.call_at(at_ns, lambda now: rung.append("after"))
        await until(closed)
        await asyncio.sleep(0)

    runner.run(scene())
    assert rung == []


def test_the_clock_wakes_for_alarms_only(runner, clock, ringings) -> None:
    async def scene() -> None:
        done = asyncio.Event()
        start = monotonic_ns()
        for step in range(1, 6):
            clock.call_at(start + step * 4 * NS_PER_MS, lambda now: None)
        clock.call_at(start + 24 * NS_PER_MS, lambda now: done.set())
        await until(done)

    runner.run(scene())
    spend(runner, 0.02)
    assert sum(ringings) == 6
    # A loop's timer may fire a little early, and is then set once more.
    assert len(ringings) <= 2 * 6


def test_many_alarms_of_one_instant_need_one_waking(runner, clock, ringings) -> None:
    async def scene() -> None:
        done = asyncio.Event()
        at_ns = monotonic_ns() + 10 * SOON_NS
        for _ in range(1_000):
            clock.call_at(at_ns, lambda now: None)
        clock.call_at(at_ns, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert max(ringings) == 1_001
    assert len(ringings) <= 3


def test_an_instant_so_near_that_waiting_would_cost_as_much_is_not_waited_for(
    runner, clock, ringings
) -> None:
    async def scene() -> None:
        done = asyncio.Event()
        at_ns = monotonic_ns() + SOON_NS
        clock.call_at(at_ns, lambda now: None)
        clock.call_at(at_ns + alarm.EARLY_NS // 2, lambda now: done.set())
        await until(done)

    runner.run(scene())
    assert max(ringings) == 2


def test_a_closed_clock_has_given_its_descriptor_back(runner) -> None:
    async def scene() -> tuple[int, int]:
        clock = AlarmClock(asyncio.get_running_loop())
        held = clock._timer._fd
        clock.close()
        again = AlarmClock(asyncio.get_running_loop())
        reused = again._timer._fd
        again.close()
        return held, reused

    held, reused = runner.run(scene())
    assert held == reused
