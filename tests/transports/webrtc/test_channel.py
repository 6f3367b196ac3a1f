"""The data channel between two of ours, without a network; and what it leans on in aiortc."""

import asyncio
from collections import deque

import pytest

from rtbench.transports.webrtc import channel as channel_module
from rtbench.transports.webrtc.channel import LABEL, EventChannel


class End:
    """One side; packets are queued, and what is heard is kept."""

    def __init__(self, *, is_dtls_client: bool, remote_max: int = 262_144) -> None:
        self.out: deque[bytes] = deque()
        self.opened = 0
        self.closed = 0
        self.messages: list[bytes] = []
        self.too_big: list[int] = []
        self.channel = EventChannel(
            self,
            is_dtls_client=is_dtls_client,
            send=self.out.append,
            remote_port=5000,
            remote_max_message_bytes=remote_max,
        )

    def on_channel_open(self) -> None:
        self.opened += 1

    def on_channel_message(self, message: bytes) -> None:
        self.messages.append(message)

    def on_channel_closed(self) -> None:
        self.closed += 1

    def on_message_too_big(self, size_bytes: int) -> None:
        self.too_big.append(size_bytes)


class Pair:
    def __init__(self, caller_is_client: bool = True, **options) -> None:
        self.caller = End(is_dtls_client=caller_is_client, **options)
        self.service = End(is_dtls_client=not caller_is_client)
        self.service.channel.start(opens_channel=False)
        self.caller.channel.start(opens_channel=True)

    async def settle(self) -> None:
        """Carry packets until nobody has any; aiortc sends in the loop's next round."""
        quiet = 0
        while quiet < 4:
            quiet += 1
            for source, sink in ((self.caller, self.service), (self.service, self.caller)):
                while source.out:
                    quiet = 0
                    sink.channel.receive(source.out.popleft())
            await asyncio.sleep(0)

    def stop(self) -> None:
        for end in (self.caller, self.service):
            end.channel.stop(says_goodbye=False)


def with_pair(steps, **options) -> None:
    async def run() -> None:
        pair = Pair(**options)
        await pair.settle()
        try:
            await steps(pair)
        finally:
            pair.stop()

    asyncio.run(run())


@pytest.mark.parametrize("caller_is_client", [True, False])
def test_the_channel_opens_at_both_ends_whoever_is_dtls_client(caller_is_client) -> None:
    async def steps(pair) -> None:
        assert (pair.caller.opened, pair.service.opened) == (1, 1)
        assert pair.caller.channel.is_open
        assert pair.service.channel._channel.label == LABEL

    with_pair(steps, caller_is_client=caller_is_client)


def test_messages_arrive_as_bytes_in_order_both_ways() -> None:
    messages = [b"", "grüß Gott".encode(), b"x" * 5_000, b"y" * 100_000, b"end"]

    async def steps(pair) -> None:
        for message in messages:
            pair.caller.channel.send(message)
            pair.service.channel.send(message)
        await pair.settle()
        assert pair.service.messages == messages
        assert pair.caller.messages == messages
        assert pair.caller.channel.pending_bytes == 0

    with_pair(steps)


def test_text_that_is_no_utf8_is_handed_over_as_it_is() -> None:
    async def steps(pair) -> None:
        pair.caller.channel._channel.send(b"\xff\xfe")
        await pair.settle()
        assert pair.service.messages == [b"\xff\xfe"]

    with_pair(steps)


def test_a_message_above_our_limit_is_not_taken_from_a_sender_that_heeds_none() -> None:
    async def steps(pair) -> None:
        limit = channel_module.MAX_MESSAGE_BYTES
        for size in (limit, limit + 1):
            pair.caller.channel.send_regardless(b"x" * size)
        with pytest.raises(ValueError):
            pair.caller.channel.send(b"x" * (limit + 1))
        await pair.settle()
        assert [len(message) for message in pair.service.messages] == [limit]
        assert pair.service.too_big == [limit + 1]

    with_pair(steps)


def test_a_limit_that_was_not_heeded_holds_again_though_the_message_was_none() -> None:
    async def steps(pair) -> None:
        with pytest.raises(UnicodeDecodeError):
            pair.caller.channel.send_regardless(b"\xff")
        with pytest.raises(ValueError, match="1001"):
            pair.caller.channel.send(b"x" * 1_001)

    with_pair(steps, remote_max=1_000)


def test_a_message_longer_than_the_peer_takes_is_a_value_error() -> None:
    async def steps(pair) -> None:
        pair.caller.channel.send(b"x" * 1_000)
        with pytest.raises(ValueError, match="1001"):
            pair.caller.channel.send(b"x" * 1_001)

    with_pair(steps, remote_max=1_000)


def test_what_the_other_end_has_not_made_room_for_is_told_to_be_unsent() -> None:
    async def steps(pair) -> None:
        assert not pair.caller.channel.has_unsent
        pair.caller.channel.send(b"x" * 100_000)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert pair.caller.channel.has_unsent  # the first packets are under way
        await pair.settle()
        assert not pair.caller.channel.has_unsent

    with_pair(steps)


def test_a_goodbye_closes_the_other_end() -> None:
    async def steps(pair) -> None:
        pair.caller.channel.stop(says_goodbye=True)
        await pair.settle()
        assert (pair.service.closed, pair.caller.closed) == (1, 0)
        pair.service.channel.send(b"too late")
        await pair.settle()
        assert pair.caller.messages == []

    with_pair(steps)


def test_without_a_goodbye_nothing_is_said() -> None:
    async def steps(pair) -> None:
        pair.caller.channel.stop(says_goodbye=False)
        assert not pair.caller.out
        assert pair.service.closed == 0

    with_pair(steps)


@pytest.mark.parametrize("packet", [b"", bytes(11), bytes(64), b"\x13\x88\x13\x88" + bytes(20)])
def test_packets_that_cannot_be_read_are_dropped(packet) -> None:
    async def steps(pair) -> None:
        pair.service.channel.receive(packet)
        pair.caller.channel.send(b"still here")
        await pair.settle()
        assert pair.service.messages == [b"still here"]

    with_pair(steps)


def test_a_second_channel_is_left_alone() -> None:
    from aiortc import RTCDataChannel
    from aiortc.rtcdatachannel import RTCDataChannelParameters

    async def steps(pair) -> None:
        other = RTCDataChannel(pair.caller.channel._sctp, RTCDataChannelParameters(label="other"))
        await pair.settle()
        other.send("not for us")
        pair.caller.channel.send(b"for us")
        await pair.settle()
        assert pair.service.opened == 1
        assert pair.service.messages == [b"for us"]

    with_pair(steps)


def test_the_association_asks_the_transport_for_nothing_else(monkeypatch) -> None:
    asked: set[str] = set()

    class Watched(channel_module._DtlsStandIn):
        def __getattribute__(self, name: str):
            asked.add(name)
            return super().__getattribute__(name)

    monkeypatch.setattr(channel_module, "_DtlsStandIn", Watched)

    async def steps(pair) -> None:
        pair.caller.channel.send(b"hello")
        await pair.settle()
        assert pair.service.messages == [b"hello"]

    with_pair(steps)
    own = {"_send", "detach", "__init__", "__class__"}
    assert asked - own == {
        "state",
        "_role",
        "_send_data",
        "_register_data_receiver",
        "_unregister_data_receiver",
    }


def test_a_coroutine_that_waits_is_not_taken_silently() -> None:
    async def waits() -> None:
        await asyncio.sleep(1)

    async def run() -> None:
        with pytest.raises(RuntimeError, match="waited"):
            channel_module._run_through(waits())

    asyncio.run(run())
