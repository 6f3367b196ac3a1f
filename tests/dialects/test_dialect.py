"""What every registered dialect must do, whatever its wire looks like."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from rtbench.core.audio import Audio
from rtbench.core.client_events import InputAudioAppend, InputAudioCommit
from rtbench.core.response_events import AudioDelta
from rtbench.core.server_events import MalformedEvent, SpeechStopped, UnknownEvent
from rtbench.dialects.dialect import Dialect
from rtbench.dialects.registry import DIALECTS


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def test_two_ends_understand_each_other(dialect: Dialect):
    client, server = dialect.client_codec(), dialect.server_codec()
    append = InputAudioAppend(audio=Audio(b"\1\0\2\0"))
    stopped = SpeechStopped(event_id="e", item_id="item", audio_end_ms=900)
    delta = AudioDelta(
        event_id="e", response_id="r", item_id="i", output_index=0, content_index=0, delta=Audio(b"\1\0")
    )
    assert server.decode(client.encode(append)) == append
    assert client.decode(server.encode(stopped)) == stopped
    assert client.decode(server.encode(delta)) == delta


def test_append_message_is_what_the_codec_would_send(dialect: Dialect):
    audio = Audio(bytes(range(200)))
    assert dialect.append_message(audio) == dialect.client_codec().encode(InputAudioAppend(audio=audio))


def test_text_and_bytes_mean_the_same(dialect: Dialect):
    message = dialect.server_codec().encode(SpeechStopped(item_id="item ü", audio_end_ms=900))
    client = dialect.client_codec()
    assert client.decode(message) == client.decode(message.decode())


@pytest.mark.parametrize("message", ["", "[]", b"\xff", "{}"])
def test_bad_messages_are_malformed_events_at_both_ends(dialect: Dialect, message: str | bytes):
    assert isinstance(dialect.client_codec().decode(message), MalformedEvent)
    assert isinstance(dialect.server_codec().decode(message), MalformedEvent)


def test_unknown_event_survives_the_wire(dialect: Dialect):
    event = UnknownEvent(event_id="e", type="never.heard.of", payload={"a": [1, None]})
    assert dialect.client_codec().decode(dialect.server_codec().encode(event)) == event


def test_codecs_keep_their_counts_apart(dialect: Dialect):
    one, other = dialect.client_codec(), dialect.client_codec()
    message = json.loads(dialect.server_codec().encode(SpeechStopped(item_id="i", audio_end_ms=1)))
    one.decode(json.dumps(message | {"surprise": 1}))
    assert sum(one.unknown_fields.values()) == 1
    assert not other.unknown_fields


def test_event_ids_begin_with_the_prefix_and_do_not_repeat(dialect: Dialect):
    server = dialect.server_codec("event_s7_")
    ids = [
        json.loads(server.encode(SpeechStopped(item_id="i", audio_end_ms=1)))["event_id"] for _ in range(100)
    ]
    assert len(set(ids)) == 100
    assert all(name.startswith("event_s7_") for name in ids)


def test_codecs_answer_alike_every_time(dialect: Dialect):
    event = SpeechStopped(item_id="i", audio_end_ms=1)
    assert dialect.server_codec().encode(event) == dialect.server_codec().encode(event)


def test_model_name_is_quoted_into_the_path(dialect: Dialect):
    url = urlsplit(dialect.websocket_path("my model/2&x=ü"))
    assert url.path.startswith("/")
    assert ["my model/2&x=ü"] in parse_qs(url.query).values()


def test_key_is_in_the_headers_only(dialect: Dialect):
    assert any("sk-secret" in value for value in dialect.headers("sk-secret").values())
    assert "sk-secret" not in str(vars(dialect))


def test_commit_has_a_message(dialect: Dialect):
    assert (
        dialect.server_codec().decode(dialect.client_codec().encode(InputAudioCommit())) == InputAudioCommit()
    )


def test_wire_type_is_the_type_of_the_message(dialect: Dialect):
    commit, stopped = InputAudioCommit(), SpeechStopped(item_id="item", audio_end_ms=900)
    assert dialect.wire_type(commit) == json.loads(dialect.client_codec().encode(commit))["type"]
    assert dialect.wire_type(stopped) == json.loads(dialect.server_codec().encode(stopped))["type"]
