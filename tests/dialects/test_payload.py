from __future__ import annotations

import itertools
import json

import pytest

from rtbench.core.audio import Audio
from rtbench.core.client_events import InputAudioAppend
from rtbench.core.response_events import AudioDelta
from rtbench.dialects.payload import TYPE_WITHIN_BYTES, PayloadScanner

SAMPLES = bytes(range(30))
MESSAGE = {
    "type": "response.output_audio.delta",
    "event_id": "event_1",
    "response_id": "resp_1",
    "item_id": "item_1",
    "output_index": 0,
    "content_index": 1,
    "delta": Audio(SAMPLES).base64.decode(),
}
EVENT = AudioDelta(
    event_id="event_1",
    response_id="resp_1",
    item_id="item_1",
    output_index=0,
    content_index=1,
    delta=Audio(SAMPLES),
)
SCANNER = PayloadScanner("response.output_audio.delta", AudioDelta, "delta")


def scan(message: object) -> AudioDelta | None:
    return SCANNER.scan(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode())


def test_delta_becomes_its_event():
    assert scan(MESSAGE) == EVENT


def test_payload_is_not_decoded():
    event = scan(MESSAGE | {"delta": "never base64!"})
    assert event is not None
    assert event.delta.base64 == b"never base64!"
    with pytest.raises(ValueError):
        _ = event.delta.data


@pytest.mark.parametrize("indent", [None, 0, 3])
def test_white_space_does_not_matter(indent: int | None):
    assert SCANNER.scan(json.dumps(MESSAGE, indent=indent).encode()) == EVENT


def test_order_of_members_does_not_matter():
    for keys in itertools.permutations(MESSAGE):
        assert scan({key: MESSAGE[key] for key in keys}) == EVENT, keys


def test_default_stands_in_for_an_absent_event_id():
    event = scan({key: value for key, value in MESSAGE.items() if key != "event_id"})
    assert event is not None and event.event_id == ""


def test_empty_payload_is_a_payload():
    event = scan(MESSAGE | {"delta": ""})
    assert event is not None and event.delta.data == b""


def test_scanner_serves_any_audio_message():
    scanner = PayloadScanner("input_audio_buffer.append", InputAudioAppend, "audio")
    assert scanner.scan(b'{"audio":"AAAA","type":"input_audio_buffer.append"}') == InputAudioAppend(
        audio=Audio(b"\0\0\0")
    )


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(MESSAGE | {"type": "response.output_text.delta"}, id="another type"),
        pytest.param(MESSAGE | {"surprise": 1}, id="a member that must be counted"),
        pytest.param(MESSAGE | {"surprise": {"delta": "AAAA"}}, id="the member's name, deeper, later"),
        pytest.param({"surprise": {"delta": "AAAA"}} | MESSAGE, id="the member's name, deeper, first"),
        pytest.param({'odd"delta': "AAAA"} | MESSAGE, id="a name that ends like the member's"),
        pytest.param(MESSAGE | {"delta": 5}, id="payload is a number"),
        pytest.param(MESSAGE | {"delta": None}, id="payload is null"),
        pytest.param(MESSAGE | {"delta": ["AAAA"]}, id="payload is in an array"),
        pytest.param(MESSAGE | {"delta": {"delta": "AAAA"}}, id="payload is in an object"),
        pytest.param(MESSAGE | {"delta": "AA\\/A"}, id="payload with an escape"),
        pytest.param(MESSAGE | {"output_index": "0"}, id="a mistyped member"),
        pytest.param({key: MESSAGE[key] for key in MESSAGE if key != "delta"}, id="no payload"),
        pytest.param({key: MESSAGE[key] for key in MESSAGE if key != "item_id"}, id="a missing member"),
        pytest.param([MESSAGE], id="in an array"),
        pytest.param({"message": MESSAGE}, id="in an object"),
        pytest.param("response.output_audio.delta", id="only a string"),
    ],
)
def test_what_does_not_fit_is_left_to_the_general_way(message: object):
    assert scan(message) is None


def test_name_as_a_value_is_left_to_the_general_way():
    assert scan({"item_id": "delta"} | {key: MESSAGE[key] for key in MESSAGE if key != "item_id"}) is None


def test_type_far_into_a_message_is_not_searched_for():
    late = {key: MESSAGE[key] for key in MESSAGE if key != "type"} | {"type": MESSAGE["type"]}
    assert scan(late | {"item_id": "i" * TYPE_WITHIN_BYTES}) is None


@pytest.mark.parametrize("cut", range(1, 40))
def test_truncated_message_is_left_to_the_general_way(cut: int):
    assert SCANNER.scan(json.dumps(MESSAGE | {"delta": "AAAAAAAA"}).encode()[:-cut]) is None
