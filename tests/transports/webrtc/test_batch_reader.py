"""Many sockets of one loop, read together; the instants are the kernel's."""

import asyncio
import gc
import itertools
import select
import socket
import time
import weakref
from contextlib import asynccontextmanager, closing

import pytest
import uvloop

from rtbench.clock import NS_PER_MS, NS_PER_S, monotonic_ns
from rtbench.transports.webrtc import batch_reader as module
from rtbench.transports.webrtc.batch_reader import GRAIN_NS, IS_SUPPORTED, BatchReader, batch_reader

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="only Linux stamps datagrams")


class Heap:
    """Takes datagrams."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, tuple[str, int], int]] = []
        self.changed = asyncio.Event()

    def __call__(self, data: bytes, address: tuple[str, int], arrival_ns: int) -> None:
        self.taken.append((data, address, arrival_ns))
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.taken) < count:
                self.changed.clear()
                await self.changed.wait()


def udp() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


@asynccontextmanager
async def read(count: int):
    """So many sockets that are read together, and one that writes to them."""
    reader, sockets, sender = batch_reader(asyncio.get_running_loop()), [udp() for _ in range(count)], udp()
    heaps = [Heap() for _ in sockets]
    for sock, heap in zip(sockets, heaps, strict=True):
        reader.add(sock, heap)
    try:
        yield sockets, heaps, sender
    finally:
        for sock in sockets:
            if sock.fileno() >= 0:
                reader.remove(sock)
                sock.close()
        sender.close()


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    return request.param


def test_each_datagram_comes_to_its_own_socket_with_its_sender(run) -> None:
    async def steps() -> None:
        async with read(3) as (sockets, heaps, sender):
            for number, sock in enumerate(sockets):
                sender.sendto(b"to %d" % number, sock.getsockname())
            for number, heap in enumerate(heaps):
                await heap.until(1)
                assert [(data, address) for data, address, _ in heap.taken] == [
                    (b"to %d" % number, sender.getsockname())
                ]

    run(steps())


def test_a_datagram_that_waits_for_a_loop_that_stands_still_is_stamped_as_it_came(run) -> None:
    held_up_ns = 10 * GRAIN_NS

    async def late_by_ns(heap, sender, address) -> int:
        """How long after its sending a datagram is said to have come, the loop being held up meanwhile."""
        heap.taken.clear()
        sender.sendto(b"early", address)
        sent_ns = monotonic_ns()
        while monotonic_ns() < sent_ns + held_up_ns:
            pass
        await heap.until(1)
        return heap.taken[0][2] - sent_ns

    async def steps() -> None:
        async with read(1) as (sockets, heaps, sender):
            # A kernel that has stamped for nobody so far begins a moment after the first one asks.
            found = [await late_by_ns(heaps[0], sender, sockets[0].getsockname()) for _ in range(10)]
        assert min(abs(late_ns) for late_ns in found) < held_up_ns // 2

    run(steps())


def test_what_came_while_the_loop_stood_still_is_read_in_order_with_the_instants_of_its_coming(run) -> None:
    near_ns = NS_PER_MS  # two clocks, read one after the other

    async def are_true(sockets, heaps, sender) -> bool:
        """Whether all stamps lie between the first sending and the last, though they were read long after."""
        begun_ns = monotonic_ns()
        for number in range(300):
            sender.sendto(b"%d" % number, sockets[number % 2].getsockname())
        sent_ns = monotonic_ns()
        time.sleep(10 * GRAIN_NS / NS_PER_S)  # noqa: ASYNC251  # the loop is to stand still
        stamps = []
        for odd, heap in enumerate(heaps):
            await heap.until(150)
            assert [int(data) for data, _, _ in heap.taken] == list(range(odd, 300, 2))
            stamps += [arrival_ns for _, _, arrival_ns in heap.taken]
            heap.taken.clear()
        return begun_ns - near_ns < min(stamps) and max(stamps) < sent_ns + near_ns

    async def steps() -> None:
        async with read(2) as ends:
            # A kernel that has stamped for nobody so far begins a moment after the first one asks.
            found = [await are_true(*ends) for _ in range(5)]
        assert any(found)

    run(steps())


def test_with_much_to_read_the_loops_other_work_has_its_turns(run, monkeypatch) -> None:
    order: list[str] = []

    async def steps() -> None:
        spent_ns = 0
        monkeypatch.setattr(module, "monotonic_ns", lambda: monotonic_ns() + spent_ns)

        def take_long(data: bytes, address: tuple[str, int], arrival_ns: int) -> None:
            nonlocal spent_ns
            spent_ns += GRAIN_NS
            order.append("datagram")
            if order.count("datagram") == 6:
                everything.set()

        everything = asyncio.Event()
        async with read(0) as (_, _, sender):
            with closing(udp()) as first, closing(udp()) as other:
                reader = batch_reader(asyncio.get_running_loop())
                for number in range(6):
                    sender.sendto(b"much", (first, other)[number % 2].getsockname())
                for sock in (first, other):
                    reader.add(sock, take_long)
                async with asyncio.timeout(10):
                    while not everything.is_set():
                        await asyncio.sleep(0)
                        order.append("turn")
                for sock in (first, other):
                    reader.remove(sock)

    run(steps())
    read_at = [place for place, what in enumerate(order) if what == "datagram"]
    assert all(after - before > 1 for before, after in itertools.pairwise(read_at))


def test_it_goes_on_when_it_had_nothing_to_read(run) -> None:
    async def steps() -> None:
        async with read(1) as (sockets, heaps, sender):
            for number in range(1, 6):
                sender.sendto(b"again", sockets[0].getsockname())
                await heaps[0].until(number)
                await asyncio.sleep(3 * GRAIN_NS / 1e9)  # it falls asleep, or not: both must do

    run(steps())


def test_one_who_cannot_take_a_datagram_does_not_cost_the_others_theirs() -> None:
    async def steps() -> None:
        heard = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append(context))
        reader = batch_reader(asyncio.get_running_loop())
        bad, good, sender, heap = udp(), udp(), udp(), Heap()
        with closing(bad), closing(good), closing(sender):
            reader.add(bad, lambda data, address, arrival_ns: 1 / 0)
            reader.add(good, heap)
            sender.sendto(b"x", bad.getsockname())
            sender.sendto(b"y", good.getsockname())
            await heap.until(1)
            sender.sendto(b"z", good.getsockname())
            await heap.until(2)
            reader.remove(bad)
            reader.remove(good)
        assert [type(context["exception"]) for context in heard] == [ZeroDivisionError]

    asyncio.run(steps())


def test_a_socket_that_is_taken_away_in_a_reading_is_not_read_any_more() -> None:
    async def steps() -> None:
        reader = batch_reader(asyncio.get_running_loop())
        first, second, sender, seen = udp(), udp(), udp(), []
        done = asyncio.Event()

        def hang_up(data, address, arrival_ns) -> None:
            seen.append(data)
            for sock in (first, second):
                reader.remove(sock)
            done.set()

        with closing(first), closing(second), closing(sender):
            reader.add(first, hang_up)
            reader.add(second, hang_up)
            sender.sendto(b"one", first.getsockname())
            sender.sendto(b"two", second.getsockname())
            await asyncio.wait_for(done.wait(), 10)
            await asyncio.sleep(2 * GRAIN_NS / 1e9)
        assert len(seen) == 1

    asyncio.run(steps())


def test_a_loop_has_one_reader_and_the_last_socket_takes_it_along(run) -> None:
    async def steps() -> None:
        loop = asyncio.get_running_loop()
        async with read(2):
            first = batch_reader(loop)
            assert batch_reader(loop) is first
        assert batch_reader(loop) is not first
        with pytest.raises(ValueError, match="closed"):
            first._epoll.poll(0)
        batch_reader(loop)._close_if_idle()

    run(steps())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_loop_that_is_closed_takes_its_reader_along_though_sockets_are_left(new_loop) -> None:
    loop = new_loop()
    with closing(udp()) as sock:
        batch_reader(loop).add(sock, lambda *_: None)
        gone = weakref.ref(batch_reader(loop))
        loop.run_until_complete(asyncio.sleep(0))
        assert gone() is batch_reader(loop)  # the loop holds it, and nobody else
        loop.close()
        del loop
        gc.collect()
        assert gone() is None


def test_a_kernel_that_stamps_nothing_is_told_and_leaves_no_reader(monkeypatch) -> None:
    monkeypatch.setattr(module, "SO_TIMESTAMPNS", 9_999)  # no such option
    with closing(asyncio.new_event_loop()) as loop, closing(udp()) as sock:
        reader = batch_reader(loop)
        with pytest.raises(OSError):
            reader.add(sock, lambda *_: None)
        with pytest.raises(ValueError, match="closed"):
            reader._epoll.poll(0)
        assert loop not in module._readers


def test_a_kernel_that_stamps_no_more_leaves_the_others_their_reader(monkeypatch) -> None:
    with closing(asyncio.new_event_loop()) as loop, closing(udp()) as first, closing(udp()) as second:
        reader = batch_reader(loop)
        reader.add(first, lambda *_: None)
        with monkeypatch.context() as patched, pytest.raises(OSError):
            patched.setattr(module, "SO_TIMESTAMPNS", 9_999)
            reader.add(second, lambda *_: None)
        assert batch_reader(loop) is reader
        reader.remove(first)


def test_the_kernel_stamps_datagrams_by_the_option_that_is_used() -> None:
    assert hasattr(select, "epoll")
    loop = asyncio.new_event_loop()
    with closing(loop), closing(udp()) as sock, closing(udp()) as sender:
        reader = BatchReader(loop)
        reader.add(sock, lambda *_: None)
        sender.sendto(b"stamped", sock.getsockname())
        _, ancillary, _, _ = sock.recvmsg(100, 100)
        reader.remove(sock)
    assert [(level, kind, len(stamp)) for level, kind, stamp in ancillary] == [(socket.SOL_SOCKET, 35, 16)]
