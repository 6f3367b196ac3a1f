import struct

import msgspec
import pytest

from rtbench.engine.messages import (
    CallOver,
    Configure,
    FromEngine,
    Goodbye,
    Ready,
    Refused,
    Row,
    Shutdown,
    StartCall,
    StopCall,
    ToEngine,
    Unpacker,
    pack,
)

ORDERS = [
    Configure(
        worker="w3",
        scenarios=["a.yaml", "b.yaml"],
        target="http://127.0.0.1:8080/v1",
        dialect="openai_ga",
        transport="websocket",
        run_directory="reports/x",
        first_user=3_000_000,
    ),
    StartCall(call=7, scenario="ä b", user=3_000_000, iteration=2, seed=2**64 - 1),
    StopCall(call=7),
    StopCall(call=7, abort=True),
    Shutdown(),
]
REPORTS = [
    Ready(),
    Refused("a sentence — with a dash", 5),
    Row("turns", {"at_ns": 2**62, "void": False, "voice_to_voice_ms": 12.5, "clip": "ß", "none": None}),
    Row("waveforms", {"peaks": [0, 1, 32_767]}),
    CallOver(7, "failed", "connect_refused", "no"),
    Goodbye({"turns": 2, "sessions": 1}, trace_error="the disk is full"),
]


@pytest.mark.parametrize(
    ("kind", "messages"), [(ToEngine, ORDERS), (FromEngine, REPORTS)], ids=["to", "from"]
)
def test_what_is_packed_comes_out_again_in_order(kind, messages) -> None:
    assert Unpacker(kind).feed(b"".join(map(pack, messages))) == messages


@pytest.mark.parametrize(
    ("kind", "messages"), [(ToEngine, ORDERS), (FromEngine, REPORTS)], ids=["to", "from"]
)
def test_a_stream_may_be_split_at_every_byte(kind, messages) -> None:
    stream = b"".join(map(pack, messages))
    for split in range(len(stream) + 1):
        unpacker = Unpacker(kind)
        assert unpacker.feed(stream[:split]) + unpacker.feed(stream[split:]) == messages


def test_a_stream_may_come_byte_by_byte() -> None:
    unpacker = Unpacker(FromEngine)
    arrived = [m for byte in b"".join(map(pack, REPORTS)) for m in unpacker.feed(bytes([byte]))]
    assert arrived == REPORTS


def test_half_a_message_is_not_handed_out() -> None:
    packed = pack(Ready())
    assert Unpacker(FromEngine).feed(packed[:-1]) == []


def test_a_message_of_the_other_direction_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        Unpacker(ToEngine).feed(pack(Ready()))
    with pytest.raises(msgspec.DecodeError):
        Unpacker(FromEngine).feed(pack(Shutdown()))


@pytest.mark.parametrize(
    "body",
    [b"\xc1", b"", b"\x93\x01\x02\x03", msgspec.msgpack.encode({"type": "Row", "table": 3, "columns": {}})],
    ids=["no msgpack", "nothing", "no message", "a field of another type"],
)
def test_bytes_that_are_no_message_are_refused(body) -> None:
    with pytest.raises(msgspec.DecodeError):
        Unpacker(FromEngine).feed(struct.pack(">I", len(body)) + body)
