import pytest

from rtbench.transports.memory import VirtualClock, memory_pair


class Recorder:
    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def on_message(self, message: bytes, arrival_ns: int) -> None:
        self.heard.append((arrival_ns, message))

    def on_close(self, code: int, reason: str, now_ns: int) -> None:
        self.heard.append((now_ns, code, reason))


def test_calls_are_made_in_order_of_time_then_of_asking() -> None:
    clock, calls = VirtualClock(now=100), []
    for name, when in [("c", 300), ("a", 200), ("b", 200)]:
        clock.call_at(when, lambda name=name: calls.append((name, clock.now)))

    clock.run_until(300)

    assert calls == [("a", 200), ("b", 200), ("c", 300)]


def test_the_clock_stops_where_it_was_told_to() -> None:
    clock, calls = VirtualClock(), []
    clock.call_at(501, lambda: calls.append("too early"))

    clock.run_until(500)

    assert (clock.now, calls, clock.next_due) == (500, [], 501)


def test_calls_planned_by_a_call_are_made_in_the_same_run() -> None:
    clock, calls = VirtualClock(), []

    def tick() -> None:
        calls.append(clock.now)
        clock.call_at(clock.now + 10, tick)

    clock.call_at(0, tick)
    clock.run_until(35)

    assert calls == [0, 10, 20, 30]


def test_an_instant_gone_by_means_now_and_time_never_runs_backwards() -> None:
    clock, calls = VirtualClock(now=1000), []
    clock.call_at(5, lambda: calls.append(clock.now))

    clock.run_until(900)
    assert calls == []
    clock.run_until(1000)

    assert calls == [1000]
    assert clock.now == 1000


def test_a_cancelled_call_is_not_made() -> None:
    clock, calls = VirtualClock(), []
    timer = clock.call_at(10, lambda: calls.append("cancelled"))
    clock.call_at(20, lambda: calls.append("kept"))
    timer.cancel()

    assert timer.cancelled
    assert clock.next_due == 20
    clock.run_until(30)
    assert calls == ["kept"]


def test_run_next_makes_one_call_and_says_when_there_is_none() -> None:
    clock, calls = VirtualClock(), []
    clock.call_at(7, lambda: calls.append(clock.now))

    assert clock.run_next()
    assert not clock.run_next()
    assert (calls, clock.now, clock.next_due) == ([7], 7, None)


def test_messages_and_closes_arrive_after_the_delay() -> None:
    clock = VirtualClock()
    near, far = memory_pair(clock, delay_ns=40)
    near_heard, far_heard = Recorder(), Recorder()
    near.attach(near_heard)
    far.attach(far_heard)

    near.send(b"one")
    clock.run_until(10)
    near.send(b"two")
    near.close(1000, "bye")
    clock.run_until(49)
    assert far_heard.heard == [(40, b"one")]

    clock.run_until(1000)
    assert far_heard.heard == [(40, b"one"), (50, b"two"), (50, 1000, "bye")]
    assert near_heard.heard == [(90, 1000, "bye")]


def test_without_a_delay_a_message_arrives_at_its_own_instant_but_not_within_send() -> None:
    clock = VirtualClock(now=5)
    near, far = memory_pair(clock)
    far.attach(heard := Recorder())

    near.send(b"one")

    assert heard.heard == []
    clock.run_until(5)
    assert heard.heard == [(5, b"one")]


def test_what_was_sent_before_an_abort_arrives_and_then_the_loss() -> None:
    clock = VirtualClock()
    near, far = memory_pair(clock, delay_ns=40)
    near_heard, far_heard = Recorder(), Recorder()
    near.attach(near_heard)
    far.attach(far_heard)

    far.send(b"lost at an end that is gone")
    near.send(b"last words")
    near.abort()
    clock.run_until(1000)

    assert near_heard.heard == [(0, 1006, "aborted")]
    assert far_heard.heard == [(40, b"last words"), (40, 1006, "connection lost")]


def test_an_end_without_a_receiver_says_so() -> None:
    clock = VirtualClock()
    near, _ = memory_pair(clock)
    near.send(b"one")

    with pytest.raises(RuntimeError, match="before its receiver was attached"):
        clock.run_until(0)
