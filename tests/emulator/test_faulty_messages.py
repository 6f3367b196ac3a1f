"""Messages of a faulty line, as the caller's codec reads them."""

from __future__ import annotations

import pytest

from rtbench.core.response_events import ResponseDone
from rtbench.core.server_events import ErrorReceived, MalformedEvent, UnknownEvent
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.faulty_messages import (
    STREAMED_LARGE_BYTES,
    broken_off,
    cut_message,
    error_event,
    large_message,
    unheard_of,
)
from rtbench.transports.webrtc.channel import MAX_MESSAGE_BYTES


def read(event):
    return OPENAI_GA.client_codec().decode(OPENAI_GA.server_codec("e").encode(event))


@pytest.mark.parametrize(("written", "code"), [("", "invalid_api_key"), ("mine", "mine")])
def test_an_error_has_its_own_code_or_that_of_its_type(written: str, code: str) -> None:
    found = read(error_event({"type": "authentication_error", "error": written}))

    assert isinstance(found, ErrorReceived)
    assert (found.error.type, found.error.code) == ("authentication_error", code)


@pytest.mark.parametrize(
    ("kind", "settings", "status", "why"),
    [
        ("response_failed", {"error": "server_error"}, "failed", "server_error"),
        ("response_incomplete", {"reason": "content_filter"}, "incomplete", "content_filter"),
    ],
)
def test_an_answer_that_broke_off_says_why(kind, settings, status, why) -> None:
    end, told = broken_off(kind, settings, "resp_1")
    found = read(end)

    assert isinstance(found, ResponseDone) and told == why
    assert (found.response["id"], found.response["status"]) == ("resp_1", status)
    assert why in str(found.response["status_details"])


def test_garbage_is_not_understood() -> None:
    codec = OPENAI_GA.client_codec()

    assert isinstance(read(unheard_of()), UnknownEvent)
    assert isinstance(codec.decode(cut_message().data), MalformedEvent)


def test_a_large_message_is_json_and_above_what_a_peer_takes() -> None:
    message = large_message(STREAMED_LARGE_BYTES).data

    assert len(message) > STREAMED_LARGE_BYTES > MAX_MESSAGE_BYTES
    assert isinstance(OPENAI_GA.client_codec().decode(message), UnknownEvent)
