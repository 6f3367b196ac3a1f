from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.core.audio import Audio
from rtbench.core.client_events import CLIENT_EVENTS, ClientEvent
from rtbench.core.response_events import RESPONSE_EVENTS, AudioDelta
from rtbench.core.server_events import SESSION_EVENTS, MalformedEvent, ServerEvent, UnknownEvent
from rtbench.dialects.codec import Reader
from rtbench.dialects.openai_ga import CLIENT_TABLE, OPENAI_GA, SERVER_TABLE

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_CLIENT = (GOLDEN / "client.jsonl").read_text("utf-8").splitlines()
GOLDEN_SERVER = (GOLDEN / "server.jsonl").read_text("utf-8").splitlines()
SERVER_EVENTS = SESSION_EVENTS + RESPONSE_EVENTS
AUDIO_MEMBERS = {"response.output_audio.delta": "delta", "input_audio_buffer.append": "audio"}


def test_tables_have_all_11_client_and_46_server_events():
    assert {row.event for row in CLIENT_TABLE} == set(CLIENT_EVENTS)
    assert {row.event for row in SERVER_TABLE} == set(SERVER_EVENTS)
    assert (len(list(CLIENT_TABLE)), len(list(SERVER_TABLE))) == (11, 46)


def test_wire_types_are_those_of_the_openai_package(openai_strict: ModuleType):
    assert {row.name for row in CLIENT_TABLE} == set(openai_strict.CLIENT_EVENTS)
    assert {row.name for row in SERVER_TABLE} == set(openai_strict.SERVER_EVENTS)


def test_fields_are_those_of_the_openai_package(openai_strict: ModuleType):
    models = openai_strict.CLIENT_EVENTS | openai_strict.SERVER_EVENTS
    for row in (*CLIENT_TABLE, *SERVER_TABLE):
        declared = set(models[row.name].model_fields) - {"type", "event_id"}
        assert set(row.fields) == declared, row.name
        assert row.has_event_id == ("event_id" in models[row.name].model_fields), row.name


def test_golden_traffic_covers_every_event():
    assert {json.loads(line)["type"] for line in GOLDEN_CLIENT} == {row.name for row in CLIENT_TABLE}
    assert {json.loads(line)["type"] for line in GOLDEN_SERVER} == {row.name for row in SERVER_TABLE}


@pytest.mark.parametrize("line", GOLDEN_CLIENT)
def test_golden_client_message_is_read_and_written_again(line: str):
    client, server = OPENAI_GA.client_codec(), OPENAI_GA.server_codec()
    event = server.decode(line)
    assert isinstance(event, ClientEvent)
    assert json.loads(client.encode(event)) == json.loads(line)
    assert not server.unknown_fields


@pytest.mark.parametrize("line", GOLDEN_SERVER)
def test_golden_server_message_is_read_and_written_again(line: str):
    client, server = OPENAI_GA.client_codec(), OPENAI_GA.server_codec()
    event = client.decode(line)
    assert type(event) in SERVER_EVENTS
    assert json.loads(server.encode(event)) == json.loads(line)
    assert not client.unknown_fields


def test_golden_traffic_is_what_the_openai_package_declares(openai_strict: ModuleType):
    for line in GOLDEN_CLIENT:
        openai_strict.parse_client_event(json.loads(line))
    for line in GOLDEN_SERVER:
        openai_strict.parse_server_event(json.loads(line))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INT64 = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: INT64,
    float: st.floats(allow_nan=False, allow_infinity=False),
    NoneType: st.none(),
    Audio: st.binary(max_size=40).map(Audio),
}


def values_of(declared: Any) -> st.SearchStrategy[Any]:
    if declared in SCALARS:
        return SCALARS[declared]
    if is_dataclass(declared):
        return events_of(declared)
    if get_origin(declared) in (Union, UnionType):
        return st.one_of([values_of(choice) for choice in get_args(declared)])
    if get_origin(declared) is tuple:
        return st.lists(values_of(get_args(declared)[0]), max_size=3).map(tuple)
    return st.dictionaries(TEXT, JSON, max_size=3)


def events_of(event: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(event)
    return st.builds(event, **{field.name: values_of(hints[field.name]) for field in fields(event)})


@pytest.mark.parametrize("event_class", CLIENT_EVENTS)
@settings(derandomize=True, deadline=None, max_examples=12)
@given(data=st.data())
def test_client_event_survives_the_wire(event_class: type[ClientEvent], data: st.DataObject):
    event = data.draw(events_of(event_class))
    assert OPENAI_GA.server_codec().decode(OPENAI_GA.client_codec().encode(event)) == event


@pytest.mark.parametrize("event_class", SERVER_EVENTS)
@settings(derandomize=True, deadline=None, max_examples=12)
@given(data=st.data())
def test_server_event_survives_the_wire(event_class: type[ServerEvent], data: st.DataObject):
    event = data.draw(events_of(event_class))
    has_event_id = next(row.has_event_id for row in SERVER_TABLE if row.event is event_class)
    event_id = (event.event_id or "event_1") if has_event_id else ""
    message = OPENAI_GA.server_codec("event_").encode(event)
    assert OPENAI_GA.client_codec().decode(message) == replace(event, event_id=event_id)


def samples(openai_sample: ModuleType, model: Any, rng: random.Random) -> list[dict[str, Any]]:
    """Messages of one of the package's models, as a service would fill them in."""
    messages = [openai_sample.sample(model, rng) for _ in range(25)]
    for message in messages:
        if "event_id" in message:
            message["event_id"] = "event_9"
        if message["type"] in ("session.created", "session.updated"):
            message["session"] |= {"id": "sess_1", "object": "realtime.session", "expires_at": 1_790_000_000}
        if member := AUDIO_MEMBERS.get(message["type"]):
            message[member] = "AAD//wEA"
    return messages


def without_nulls(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if value is not None}


def nulls_aside(message: dict[str, Any]) -> dict[str, Any]:
    """Without what may be null or absent alike: optional members of the event, and of the error in it."""
    members = without_nulls(message)
    return members | {"error": without_nulls(members["error"])} if "error" in members else members


def test_server_events_by_the_openai_package_are_read_and_written_as_it_declares(
    openai_strict: ModuleType, openai_sample: ModuleType
):
    rng = random.Random(2)
    for name, model in openai_strict.SERVER_EVENTS.items():
        for message in samples(openai_sample, model, rng):
            openai_strict.parse_server_event(message)
            client = OPENAI_GA.client_codec()
            event = client.decode(json.dumps(message, ensure_ascii=False))
            assert type(event) is SERVER_TABLE.named(name).event, event
            assert not client.unknown_fields
            written = json.loads(OPENAI_GA.server_codec().encode(event))
            openai_strict.parse_server_event(written)
            assert nulls_aside(written) == nulls_aside(message)


def test_client_events_by_the_openai_package_are_read_and_written_as_it_declares(
    openai_strict: ModuleType, openai_sample: ModuleType
):
    rng = random.Random(3)
    for name, model in openai_strict.CLIENT_EVENTS.items():
        for message in samples(openai_sample, model, rng):
            server = OPENAI_GA.server_codec()
            event = server.decode(json.dumps(message))
            assert type(event) is CLIENT_TABLE.named(name).event, event
            assert not server.unknown_fields
            written = json.loads(OPENAI_GA.client_codec().encode(event))
            openai_strict.parse_client_event(written)
            assert without_nulls(written) == without_nulls(message)


def test_event_made_by_the_openai_package_is_read(openai_strict: ModuleType):
    client = OPENAI_GA.client_codec()
    for line in GOLDEN_SERVER:
        model = openai_strict.parse_server_event(json.loads(line))
        assert client.decode(model.to_json(indent=None)) == client.decode(line)


FRAGMENTS = (
    b"null",
    b"0",
    b"-1",
    b"1e999",
    b'""',
    b'"',
    b"\\",
    b"\\ud800",
    b"{",
    b"}",
    b"[" * 3000,
    b",",
    b"\xff",
)
FRAGMENTS += (b"\0", b" ", b'"type":', b'"delta":"AAAA",', b'"audio":7,', "é".encode(), b"true", b"\\/")


def mutated(message: bytes, rng: random.Random) -> bytes:
    """The message with one to three cuts, repetitions, foreign fragments or flipped bits."""
    data = bytearray(message)
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((0, 1, 2, 8, 40)))
        match rng.randrange(4):
            case 0:
                del data[start:end]
            case 1:
                data[start:end] = data[start:end] * 2
            case 2:
                data[start:end] = rng.choice(FRAGMENTS)
            case 3 if start < len(data):
                data[start] ^= 1 << rng.randrange(8)
    return bytes(data)


def test_5000_broken_messages_become_events_at_both_ends():
    rng = random.Random(4)
    lines = [line.encode() for line in GOLDEN_CLIENT + GOLDEN_SERVER]
    client, server = OPENAI_GA.client_codec(), OPENAI_GA.server_codec()
    outcomes: Counter[str] = Counter()
    for _ in range(5000):
        message = mutated(rng.choice(lines), rng)
        for event in (client.decode(message), server.decode(message)):
            assert isinstance(event, ServerEvent | ClientEvent)
            kind = type(event) if isinstance(event, MalformedEvent | UnknownEvent) else ServerEvent
            outcomes[kind.__name__] += 1
        client.decode(message.decode(errors="surrogateescape"))
    assert min(outcomes[kind] for kind in ("MalformedEvent", "UnknownEvent", "ServerEvent")) > 500, outcomes


def test_quick_way_and_general_way_agree_on_broken_audio_messages():
    """They may differ in one thing: the quick way does not look at the payload, so it may take a bad one."""
    rng = random.Random(5)
    delta = next(line.encode() for line in GOLDEN_SERVER if "response.output_audio.delta" in line)
    delta = delta.replace(b"AAD//wEA", b"AAD//wEA" * 60)
    quick, general = OPENAI_GA.client_codec(), Reader(SERVER_TABLE)
    agreed: Counter[str] = Counter()
    for _ in range(5000):
        message = mutated(delta, rng)
        event, expected = quick.decode(message), general.read(message)
        if isinstance(event, AudioDelta) and isinstance(expected, MalformedEvent):
            with pytest.raises(ValueError):
                _ = event.delta.data
        elif isinstance(event, AudioDelta):
            assert isinstance(expected, AudioDelta)
            assert event.delta.base64 == expected.delta.base64
            assert (event.event_id, event.item_id) == (expected.event_id, expected.item_id)
            agreed["audio"] += 1
        else:
            assert event == expected
            agreed["other"] += 1
    assert min(agreed.values()) > 500, agreed
    assert quick.unknown_fields == general.unknown_fields


def test_websocket_path_names_the_model():
    assert OPENAI_GA.websocket_path("gpt-realtime-2.1") == "/realtime?model=gpt-realtime-2.1"
    assert OPENAI_GA.websocket_path("a b&c/d") == "/realtime?model=a%20b%26c%2Fd"


def test_key_is_a_bearer_token():
    assert OPENAI_GA.headers("sk-1") == {"Authorization": "Bearer sk-1"}
