"""A peer's socket: what is STUN, what is not, and what is read how."""

import asyncio
import inspect
from contextlib import closing

import pytest
from aioice import Candidate
from aioice.ice import StunProtocol
from aioice.stun import Class, Message, Method, parse_message

from rtbench.clock import monotonic_ns
from rtbench.transports.webrtc import batch_reader
from rtbench.transports.webrtc.batch_reader import IS_SUPPORTED
from rtbench.transports.webrtc.events import Datagram
from rtbench.transports.webrtc.peer_socket import PeerSocket, bound_socket


class User:
    """The ICE connection of a socket."""

    def __init__(self) -> None:
        self.is_dark = False
        self.bytes_sent = self.bytes_received = self.last_arrival_ns = 0
        self.taken: list[tuple[bytes, int]] = []
        self.requests: list[Message] = []
        self.lost: list[PeerSocket] = []
        self.changed = asyncio.Event()

    def take(self, data: bytes, arrival_ns: int) -> None:
        self.taken.append((data, arrival_ns))
        self.changed.set()

    def request_received(self, message: Message, address, protocol) -> None:
        self.requests.append(message)
        self.changed.set()

    def protocol_lost(self, protocol: PeerSocket) -> None:
        self.lost.append(protocol)

    async def until(self, predicate) -> None:
        async with asyncio.timeout(10):
            while not predicate(self):
                self.changed.clear()
                await self.changed.wait()


def make(user: User, path=None) -> tuple[PeerSocket, tuple[str, int]]:
    sock = bound_socket("127.0.0.1")
    made = PeerSocket(user, sock, path)
    made.local_candidate = Candidate("f", 1, "udp", 1, *sock.getsockname(), "host")
    return made, sock.getsockname()


@pytest.mark.parametrize("batches", [False, True], ids=["one by one", "in batches"])
def test_stun_goes_to_aioice_and_all_else_to_the_connection(run, batches) -> None:
    async def steps() -> None:
        near, far = User(), User()
        (here, _), (there, address) = make(near), make(far)
        if batches:
            there.read_in_batches()
            there.read_in_batches()  # the second time changes nothing
        request = Message(Method.BINDING, Class.REQUEST)
        before_ns = monotonic_ns()
        here.send_stun(request, address)
        here.send_datagram(b"\x80media", address)
        await far.until(lambda user: user.requests and user.taken)
        assert [one.transaction_id for one in far.requests] == [request.transaction_id]
        (data, arrival_ns), now_ns = far.taken[0], monotonic_ns()
        assert data == b"\x80media" and before_ns - 1_000_000 < arrival_ns <= now_ns
        assert far.last_arrival_ns == arrival_ns
        assert near.bytes_sent == far.bytes_received == len(bytes(request)) + 6
        await here.close()
        await there.close()
        assert (near.lost, far.lost) == ([here], [there])

    run(steps())


@pytest.mark.parametrize("batches", [False, True], ids=["one by one", "in batches"])
def test_a_dark_socket_neither_sends_nor_hears(run, batches) -> None:
    async def steps() -> None:
        near, far = User(), User()
        (here, _), (there, address) = make(near), make(far)
        if batches:
            there.read_in_batches()
        far.is_dark = True
        here.send_datagram(b"\x80lost", address)
        # What was sent later to another socket of the loop, read in the same way, has come: so has this.
        witness = User()
        other, other_address = make(witness)
        if batches:
            other.read_in_batches()
        here.send_datagram(b"\x80seen", other_address)
        await witness.until(lambda user: user.taken)
        await asyncio.sleep(0)  # sockets that are ready at once are read in one round, in any order
        await other.close()
        far.is_dark = False
        near.is_dark = True
        here.send_datagram(b"\x80not sent", address)
        near.is_dark = False
        here.send_datagram(b"\x80heard", address)
        await far.until(lambda user: user.taken)
        assert [data for data, _ in far.taken] == [b"\x80heard"]
        assert near.bytes_sent == len(b"\x80lost") + len(b"\x80seen") + len(b"\x80heard")
        await here.close()
        await there.close()

    run(steps())


@pytest.mark.parametrize("batches", [False, True], ids=["one by one", "in batches"])
def test_after_its_close_nothing_happens(run, batches) -> None:
    async def steps() -> None:
        user = User()
        made, address = make(user)
        if batches:
            made.read_in_batches()
        await made.close()
        await made.close()
        made.send_datagram(b"\x80late", address)
        made.read_in_batches()
        assert user.bytes_sent == 0 and user.lost == [made]

    run(steps())


def test_what_cannot_be_sent_is_lost(run) -> None:
    async def steps() -> None:
        user = User()
        made, _ = make(user)
        made.send_datagram(b"\x80", ("127.0.0.1", 0))  # no such port: the system refuses it
        assert user.bytes_sent == 0
        await made.close()

    run(steps())


def test_with_a_path_datagrams_are_read_one_by_one_and_pass_it(run) -> None:
    class Path:
        def __init__(self, to_socket, to_peer) -> None:
            self._to_socket, self._to_peer = to_socket, to_peer

        def send(self, datagram: Datagram) -> None:
            self._to_socket(Datagram(datagram.data + b" out", datagram.address))

        def deliver(self, datagram: Datagram) -> None:
            self._to_peer(Datagram(datagram.data + b" in", datagram.address))

    async def steps() -> None:
        near, far = User(), User()
        (here, _), (there, address) = make(near, Path), make(far, Path)
        there.read_in_batches()
        assert there._batches is None
        here.send_datagram(b"\x80media", address)
        await far.until(lambda user: user.taken)
        assert far.taken[0][0] == b"\x80media out in"
        await here.close()
        await there.close()

    run(steps())


def test_linux_reads_in_batches(run) -> None:
    async def steps() -> None:
        made, _ = make(User())
        made.read_in_batches()
        assert (made._batches is not None) is IS_SUPPORTED
        await made.close()

    run(steps())


def test_where_the_kernel_stamps_nothing_it_is_read_as_before(run, monkeypatch) -> None:
    monkeypatch.setattr(batch_reader, "SO_TIMESTAMPNS", 9_999)  # no such option

    async def steps() -> None:
        near, far = User(), User()
        (here, _), (there, address) = make(near), make(far)
        there.read_in_batches()
        here.send_datagram(b"\x80media", address)
        await far.until(lambda user: user.taken)
        await here.close()
        await there.close()
        assert far.lost == [there]

    run(steps())


def test_only_answers_to_requests_of_its_own_are_noted_as_such(run) -> None:
    async def steps() -> None:
        near, far = User(), User()
        (here, here_address), (there, address) = make(near), make(far)
        mine, strange = Message(Method.BINDING, Class.REQUEST), Message(Method.BINDING, Class.RESPONSE)
        here.send_stun(strange, address)
        here.send_stun(mine, address)
        await far.until(lambda user: user.requests)
        assert there.answered_ns == 0
        asked = asyncio.ensure_future(there.request(mine, here_address, retransmissions=0))
        await near.until(lambda user: user.requests)
        here.send_stun(Message(Method.BINDING, Class.RESPONSE, mine.transaction_id), address)
        await asked
        assert there.answered_ns == far.last_arrival_ns
        await here.close()
        await there.close()

    run(steps())


def test_a_socket_is_bound_to_any_port_of_its_address() -> None:
    with closing(bound_socket("127.0.0.1")) as sock:
        host, port = sock.getsockname()
        assert host == "127.0.0.1" and port > 0 and not sock.getblocking()
    with pytest.raises(OSError):
        bound_socket("192.0.2.1")


def test_aioice_still_does_no_more_with_a_transport() -> None:
    source = inspect.getsource(StunProtocol)
    using = [
        name
        for name, method in inspect.getmembers(StunProtocol, inspect.isfunction)
        if "self.transport" in inspect.getsource(method) and name in StunProtocol.__dict__
    ]
    asking = inspect.getsource(StunProtocol.request)
    assert "self.transactions[request.transaction_id] = transaction" in asking
    assert sorted(using) == ["close", "connection_made", "send_data", "send_stun"]
    assert "class StunProtocol(asyncio.DatagramProtocol)" in source
    request = Message(Method.BINDING, Class.REQUEST)
    assert parse_message(bytes(request)).transaction_id == request.transaction_id
