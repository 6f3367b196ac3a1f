import asyncio
from collections.abc import Callable

import pytest

from rtbench.transports.websocket import inbox as inbox_module
from rtbench.transports.websocket.inbox import SLICE_NS, Inbox

WORK_NS = SLICE_NS * 2 // 5
"""What one message takes: three of them are more than a slice."""


class Clock:
    now = 1_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(inbox_module, "monotonic_ns", clock)
    return clock


class Desk:
    """Takes a while over each message, in the order in which it is asked to."""

    def __init__(self, clock: Clock, log: list[str], *names: str) -> None:
        self.clock, self.log, self.names = clock, log, list(names)
        self.aborted = False

    def take_next(self) -> None:
        self.clock.now += WORK_NS
        name = self.names.pop(0)
        self.log.append(name)
        if name == "broken":
            raise ValueError(name)

    def abort(self) -> None:
        self.aborted = True


def in_rounds(clock: Clock, fill: Callable[[Inbox, list[str]], None], rounds: int) -> tuple[Inbox, list[str]]:
    """What is done round by round of the loop; a bar ends each."""

    async def run() -> tuple[Inbox, list[str]]:
        inbox, log = Inbox(), []
        fill(inbox, log)
        for _ in range(rounds):
            await asyncio.sleep(0)
            log.append("|")
        return inbox, log

    return asyncio.run(run())


def test_all_is_taken_in_the_order_of_its_arrival_a_slice_a_round(clock) -> None:
    def fill(inbox: Inbox, log: list[str]) -> None:
        one, other = Desk(clock, log, "a", "c", "d"), Desk(clock, log, "b", "e")
        for recipient in (one, other, one, one, other):
            inbox.put(recipient, clock.now)

    _, log = in_rounds(clock, fill, 3)

    assert log == ["a", "b", "c", "|", "d", "e", "|", "|"]


def test_the_longest_wait_is_told_once(clock) -> None:
    def fill(inbox: Inbox, log: list[str]) -> None:
        for _ in range(3):
            inbox.put(Desk(clock, log, "a"), clock.now)

    inbox, _ = in_rounds(clock, fill, 1)

    assert (inbox.take_lag_max_ns(), inbox.take_lag_max_ns()) == (2 * WORK_NS, 0)


def test_what_comes_after_all_was_taken_is_taken_too(clock) -> None:
    async def run() -> list[str]:
        inbox, log = Inbox(), []
        for name in ("a", "b"):
            inbox.put(Desk(clock, log, name), clock.now)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return log

    assert asyncio.run(run()) == ["a", "b"]


def test_one_that_cannot_be_dealt_with_costs_its_own_connection_alone(clock) -> None:
    told = []

    async def run() -> tuple[Desk, list[str]]:
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: told.append(context["exception"])
        )
        inbox, log = Inbox(), []
        broken, sound = Desk(clock, log, "broken"), Desk(clock, log, "sound")
        inbox.put(broken, clock.now)
        inbox.put(sound, clock.now)
        await asyncio.sleep(0)
        assert not sound.aborted
        return broken, log

    broken, log = asyncio.run(run())

    assert (broken.aborted, log) == (True, ["broken", "sound"])
    assert isinstance(told[0], ValueError)
