from __future__ import annotations

import random

import pytest

from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import ItemDone
from rtbench.emulator.answer import SpokenAnswer
from rtbench.emulator.conversation_items import ConversationItems
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.plan import make_plan
from rtbench.emulator.response import CLIENT_CANCELLED, Response
from rtbench.emulator.response_request import response_request
from rtbench.emulator.settings import Settings
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.usage import Tokens

MS = 1_000_000
SETTINGS = Settings.defaults(session_id="s", model="m", expires_at=0)


class Stage:
    """A response with all that it touches."""

    def __init__(self, service) -> None:
        self.outbox, self.items = Outbox(), ConversationItems()
        self.row = TruthRow("s", "r", "", "client", 24_000, None, 0, 0, 0.0, 0, None, "", False)
        request = response_request(SETTINGS)
        plan = make_plan(request, service.voice, service.profile, random.Random(1), 0)
        self.response = Response(
            "r",
            request,
            plan,
            SpokenAnswer("r", "item_1"),
            conversation_id="conv_1",
            context=Tokens(text=3),
            cached=Tokens(),
            row=self.row,
        )
        self.response.start(self.outbox, self.items, (), 0)
        self.started = [event for event, _ in self.outbox.take()]

    def advance(self, to_ms: int):
        self.response.advance(self.outbox, self.items, to_ms * MS)
        return self.outbox.take()


@pytest.fixture
def stage(make_service) -> Stage:
    return Stage(make_service(response_delay="100 ms", pace="1x"))


def test_it_is_told_of_at_once_and_is_silent_until_the_delay_is_over(stage):
    assert type(stage.started[0]) is ResponseCreated
    assert stage.started[0].response["usage"] is None
    assert stage.response.next_wake() == 100 * MS
    assert stage.advance(99) == []


def test_events_carry_the_instant_for_which_they_were_meant(stage):
    outgoing = stage.advance(250)
    assert [due / MS for event, due in outgoing if type(event) is AudioDelta] == [100, 200]
    assert stage.response.next_wake() == 300 * MS


def test_the_item_grows_with_the_audio_that_was_given_out(stage):
    stage.advance(250)
    assert next(iter(stage.items)).audio_ms == 200


def test_the_end_comes_with_the_last_beat(stage):
    outgoing = stage.advance(5_000)
    assert outgoing[-1].due_ns == 800 * MS
    assert outgoing[-1].event.response["status"] == "completed"
    assert stage.response.finished and stage.response.next_wake() is None
    assert stage.advance(6_000) == []
    assert (stage.row.status, stage.row.audio_ms) == ("completed", 800)


def test_playback_lasts_from_the_first_delta_for_the_length_of_the_audio(stage):
    assert stage.response.playback_end_ns == 0
    stage.advance(5_000)
    assert stage.response.playback_end_ns == (100 + 800) * MS


def test_it_is_cancelled_once(stage):
    stage.advance(150)
    for _ in range(2):
        stage.response.cancel(stage.outbox, stage.items, 160 * MS, CLIENT_CANCELLED)
    assert [type(event) for event, _ in stage.outbox.take()].count(ResponseDone) == 1
    assert (stage.row.status, stage.row.reason) == ("cancelled", CLIENT_CANCELLED)


def test_what_was_truncated_in_mid_answer_stays_truncated(stage):
    stage.advance(250)
    stage.items.truncate("item_1", 0, 50)
    outgoing = stage.advance(5_000)
    [done] = [event for event, _ in outgoing if type(event) is ItemDone]
    assert done.item["content"] == [{"type": "output_audio"}]
    assert next(iter(stage.items)).audio_ms == 50
