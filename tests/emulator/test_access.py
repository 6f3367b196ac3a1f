from __future__ import annotations

import pytest

from rtbench.emulator.access import (
    Asked,
    HttpError,
    asked_session,
    asks_for_beta,
    check_key,
    check_room,
    refused,
    shown_key,
)
from rtbench.emulator.capacity import Capacity, Occupancy
from rtbench.emulator.refusal import unknown_parameter


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"Authorization": "Bearer sk-1"}, "sk-1"),
        ({"Authorization": "bearer  sk-1 "}, "sk-1"),
        ({"api-key": "azure"}, "azure"),
        ({"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.ek_1"}, "ek_1"),
        ({"Authorization": "Basic abc"}, ""),
        ({}, ""),
    ],
)
def test_keys_are_found_where_clients_show_them(headers, key):
    assert shown_key(headers) == key


def test_any_key_will_do_unless_one_is_expected():
    check_key({"Authorization": "Bearer anything"}, None)
    check_key({"Authorization": "Bearer mine"}, "mine")


@pytest.mark.parametrize(
    ("headers", "code"), [({}, "missing_api_key"), ({"Authorization": "Bearer other"}, "invalid_api_key")]
)
def test_a_missing_or_wrong_key_is_answered_by_401(headers, code):
    with pytest.raises(HttpError) as caught:
        check_key(headers, "mine")
    assert caught.value.status == 401
    error = caught.value.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert "other" not in str(error)


def test_a_session_or_a_call_is_taken_from_the_query():
    assert asked_session({"model": "gpt-realtime"}) == Asked(model="gpt-realtime")
    assert asked_session({"call_id": "rtc_1", "model": ""}) == Asked(call_id="rtc_1")


def test_a_refusal_keeps_its_words_as_an_http_error():
    assert refused(unknown_parameter("session.colour")) == HttpError(
        400, "Unknown parameter: 'session.colour'.", "unknown_parameter", "session.colour"
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"model": ""}, 400),
        ({"model": "m", "call_id": "rtc_1"}, 400),
        ({"model": "m", "intent": "transcription"}, 400),
        ({"intent": "transcription"}, 400),
    ],
)
def test_any_other_query_is_refused(query, status):
    with pytest.raises(HttpError) as caught:
        asked_session(query)
    assert caught.value.status == status


def test_the_header_of_the_beta_is_known():
    assert asks_for_beta({"OpenAI-Beta": "realtime=v1"})
    assert not asks_for_beta({"OpenAI-Beta": "assistants=v2"})


@pytest.mark.parametrize("refusal", [429, 503])
def test_a_session_beyond_the_limit_is_refused_as_the_profile_says(refusal: int) -> None:
    occupancy = Occupancy()
    limits = Capacity.model_validate({"sessions": 1, "refusal": refusal})
    check_room(occupancy, limits)
    occupancy.enter()
    check_room(occupancy, None)
    with pytest.raises(HttpError) as refused:
        check_room(occupancy, limits)
    assert (refused.value.status, refused.value.code) == (refusal, "rate_limit_exceeded")
