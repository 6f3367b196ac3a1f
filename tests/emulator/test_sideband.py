from __future__ import annotations

import pytest

from rtbench.emulator.sideband import SharedConnection


class Wire:
    """A connection that keeps what is done with it."""

    pending_bytes, bytes_sent, bytes_received = 1, 2, 3

    def __init__(self) -> None:
        self.log: list[object] = []

    def send(self, message: bytes) -> None:
        self.log.append(message)

    def send_regardless(self, message: bytes) -> None:
        self.log.append(("regardless", message))

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.log.append(("close", code))

    def abort(self) -> None:
        self.log.append("abort")


@pytest.fixture
def call() -> Wire:
    return Wire()


def test_a_sideband_hears_what_is_sent_while_it_is_there(call):
    shared, sideband = SharedConnection(call), Wire()
    shared.send(b"1")
    shared.join(sideband)
    shared.send(b"2")
    shared.leave(sideband)
    shared.leave(sideband)
    shared.send(b"3")
    assert (call.log, sideband.log) == ([b"1", b"2", b"3"], [b"2"])


def test_a_filter_keeps_most_from_the_caller_and_nothing_from_a_sideband(call):
    shared, sideband = SharedConnection(call), Wire()
    shared.join(sideband)
    shared.filters = True
    told, kept = b'{"type":"output_audio_buffer.started"}', b'{"type":"response.done","response":{}}'
    for message in (told, kept):
        shared.send(message)
    assert (call.log, sideband.log) == ([told], [told, kept])


@pytest.mark.parametrize("filters", [False, True])
def test_garbage_on_purpose_passes_whatever_the_peer_takes(call, filters):
    shared, sideband = SharedConnection(call), Wire()
    shared.join(sideband)
    shared.filters = filters
    shared.send_regardless(b"{no json")
    assert (call.log, sideband.log) == ([("regardless", b"{no json")], [b"{no json"])


@pytest.mark.parametrize(("code", "told"), [(1006, 1000), (1001, 1001)])
def test_the_end_of_the_call_is_that_of_its_sidebands(call, code, told):
    shared, sidebands = SharedConnection(call), [Wire(), Wire()]
    for sideband in sidebands:
        shared.join(sideband)
    shared.over(code)
    shared.over(code)
    assert [sideband.log for sideband in sidebands] == [[("close", told)]] * 2


def test_the_rest_is_the_call_s_own(call):
    shared = SharedConnection(call)
    shared.join(sideband := Wire())
    shared.close(1001, "x")
    shared.abort()
    assert (call.log, sideband.log) == ([("close", 1001), "abort"], [])
    assert (shared.pending_bytes, shared.bytes_sent, shared.bytes_received) == (1, 2, 3)
