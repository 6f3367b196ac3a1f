from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from rtbench.core.audio import Audio
from rtbench.core.client_events import InputAudioAppend, InputAudioCommit, ResponseCreate, SessionUpdate
from rtbench.core.response_events import AudioDelta, ResponseDone
from rtbench.core.server_events import (
    ErrorDetail,
    ErrorReceived,
    InputAudioCleared,
    InputTranscriptionDelta,
    ItemDeleted,
    MalformedEvent,
    UnknownEvent,
)
from rtbench.dialects.codec import EXCERPT_CHARS, JsonClientCodec, JsonServerCodec
from rtbench.dialects.wire import WireTable, WireType

CLIENT_TABLE = WireTable(
    (
        WireType("session.update", SessionUpdate),
        WireType("append", InputAudioAppend),
        WireType("commit", InputAudioCommit),
        WireType("respond", ResponseCreate),
    )
)
SERVER_TABLE = WireTable(
    (
        WireType("audio", AudioDelta),
        WireType("done", ResponseDone),
        WireType("heard", InputTranscriptionDelta),
        WireType("cleared", InputAudioCleared),
        WireType("deleted", ItemDeleted),
        WireType("error", ErrorReceived),
    )
)
DELTA = {
    "type": "audio",
    "response_id": "r",
    "item_id": "i",
    "output_index": 0,
    "content_index": 0,
    "delta": "AAAA",
}


@pytest.fixture
def client() -> JsonClientCodec:
    return JsonClientCodec(CLIENT_TABLE, SERVER_TABLE)


@pytest.fixture
def server() -> JsonServerCodec:
    return JsonServerCodec(CLIENT_TABLE, SERVER_TABLE, event_prefix="event_a")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param("", "not JSON", id="empty"),
        pytest.param("{", "not JSON", id="cut off"),
        pytest.param('{"type":"cleared"} ?', "not JSON", id="trailing text"),
        pytest.param('{"type":"cleared","x":NaN}', "not JSON", id="not a number"),
        pytest.param('{"type":"cleared","x":1e999}', "not JSON", id="number out of range"),
        pytest.param('{"type":"cleared","x":' + "9" * 5000 + "}", "not JSON", id="endless integer"),
        pytest.param(b'{"type":"cleared","x":"\xff"}', "not JSON", id="not UTF-8"),
        pytest.param('{"type":"cleared","x":"\ud800"}', "not JSON", id="lone surrogate"),
        pytest.param('{"type":"cleared","x":' + "[" * 100_000, "nested too deeply", id="bottomless"),
        pytest.param("[]", "not a JSON object", id="array"),
        pytest.param("null", "not a JSON object", id="null"),
        pytest.param("{}", "`type` is missing", id="no type"),
        pytest.param('{"type":7}', "`type` is missing or not a string", id="type is a number"),
        pytest.param('{"type":"deleted"}', "missing required field `item_id`", id="missing field"),
        pytest.param('{"type":"deleted","item_id":7}', "Expected `str`, got `int`", id="mistyped field"),
        pytest.param('{"type":"deleted","item_id":null}', "Expected `str`, got `null`", id="null field"),
        pytest.param('{"type":"done","response":[]}', "Expected `object`", id="array for an object"),
        pytest.param('{"type":"error","error":{"type":"t"}}', "`message` - at `$.error`", id="deeper field"),
        pytest.param(
            json.dumps(DELTA | {"delta": 5}), "expected audio as base64 text", id="audio as a number"
        ),
        pytest.param(
            json.dumps(DELTA | {"delta": "ä"}), "expected audio as base64 text", id="audio not ASCII"
        ),
    ],
)
def test_malformed_message_becomes_an_event_with_its_reason(
    client: JsonClientCodec, message: str | bytes, reason: str
):
    event = client.decode(message)
    assert isinstance(event, MalformedEvent)
    assert reason in event.reason


def test_malformed_event_tells_type_and_event_id_where_they_could_be_read(server: JsonServerCodec):
    event = server.decode('{"type":"session.update","event_id":"e7","session":3}')
    assert isinstance(event, MalformedEvent)
    assert (event.type, event.event_id) == ("session.update", "e7")


@pytest.mark.parametrize("message", ["?\ud800" + "x" * 500, b"?\xff" + b"x" * 500])
def test_malformed_event_keeps_the_start_of_its_message_as_clean_text(
    client: JsonClientCodec, message: str | bytes
):
    event = client.decode(message)
    assert isinstance(event, MalformedEvent)
    assert event.payload.encode().startswith(b"?")
    assert event.payload.endswith("x" * (EXCERPT_CHARS - 2))
    assert len(event.payload) == EXCERPT_CHARS


def test_unknown_type_keeps_its_other_members(client: JsonClientCodec):
    event = client.decode('{"type":"viseme","event_id":"e","shape":[1,null]}')
    assert event == UnknownEvent(type="viseme", event_id="e", payload={"shape": [1, None]})


def test_event_id_of_another_kind_stays_with_the_unknown_event(client: JsonClientCodec):
    assert client.decode('{"type":"viseme","event_id":5}') == UnknownEvent(
        type="viseme", payload={"event_id": 5}
    )


def test_unknown_fields_are_tolerated_and_counted(client: JsonClientCodec):
    for _ in range(2):
        assert client.decode('{"type":"deleted","item_id":"i","obfuscation":"x"}') == ItemDeleted(item_id="i")
    client.decode('{"type":"cleared","why":null}')
    client.decode('{"type":"viseme","shape":1}')
    assert client.unknown_fields == {"deleted.obfuscation": 2, "cleared.why": 1}


def test_unknown_fields_are_counted_even_where_the_event_is_malformed(client: JsonClientCodec):
    client.decode('{"type":"deleted","obfuscation":"x"}')
    assert client.unknown_fields == {"deleted.obfuscation": 1}


def test_client_leaves_payloads_unchecked(client: JsonClientCodec):
    event = client.decode(json.dumps(DELTA | {"delta": "not base64"}))
    assert isinstance(event, AudioDelta)
    with pytest.raises(ValueError):
        _ = event.delta.data


@pytest.mark.parametrize("audio", ["not base64", "AAA", "AA=A", "A A A A", "AAAA\\n"])
def test_server_checks_payloads(server: JsonServerCodec, audio: str):
    message = f'{{"type":"append","event_id":"e1","audio":"{audio}"}}'
    event = JsonServerCodec(CLIENT_TABLE, SERVER_TABLE, event_prefix="").decode(message)
    assert isinstance(event, MalformedEvent)
    assert (event.reason, event.type, event.event_id) == ("`audio` is not valid base64", "append", "e1")


def test_server_counts_event_ids_from_its_prefix(server: JsonServerCodec):
    ids = [json.loads(server.encode(InputAudioCleared()))["event_id"] for _ in range(3)]
    assert ids == ["event_a1", "event_a2", "event_a3"]


def test_event_id_of_the_event_itself_is_kept(server: JsonServerCodec):
    assert json.loads(server.encode(InputAudioCleared(event_id="mine")))["event_id"] == "mine"


def test_client_sends_no_event_id_unless_the_event_has_one(client: JsonClientCodec):
    assert client.encode(InputAudioCommit()) == b'{"type":"commit"}'
    assert client.encode(InputAudioCommit(event_id="c")) == b'{"type":"commit","event_id":"c"}'


def test_null_inside_an_object_is_sent(client: JsonClientCodec):
    message = client.encode(SessionUpdate(session={"turn_detection": None}))
    assert message == b'{"type":"session.update","session":{"turn_detection":null}}'


def test_error_is_sent_with_its_nulls(server: JsonServerCodec):
    error = ErrorDetail(type="invalid_request_error", message="No.")
    assert json.loads(server.encode(ErrorReceived(error=error)))["error"] == {
        "type": "invalid_request_error",
        "message": "No.",
        "code": None,
        "param": None,
        "event_id": None,
    }


def test_any_mapping_is_sent_as_an_object(client: JsonClientCodec):
    event = ResponseCreate(response=MappingProxyType({"metadata": MappingProxyType({"a": "b"})}))
    assert client.encode(event) == b'{"type":"respond","response":{"metadata":{"a":"b"}}}'


def test_audio_is_sent_as_base64(client: JsonClientCodec):
    assert client.encode(InputAudioAppend(audio=Audio(b"\0\0\0"))) == b'{"type":"append","audio":"AAAA"}'


def test_value_that_json_lacks_is_refused(client: JsonClientCodec):
    with pytest.raises(TypeError, match="object has no place in a JSON message"):
        client.encode(SessionUpdate(session={"tools": object()}))


def test_unknown_event_is_sent_as_it_is_with_its_payload_on_top(server: JsonServerCodec):
    event = UnknownEvent(type="viseme", payload={"event_id": 5, "shape": None})
    assert json.loads(server.encode(event)) == {"type": "viseme", "event_id": 5, "shape": None}


def test_malformed_event_is_not_sent(server: JsonServerCodec):
    with pytest.raises(TypeError, match="MalformedEvent"):
        server.encode(MalformedEvent(reason="not JSON"))
