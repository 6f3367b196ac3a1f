from __future__ import annotations

import random

import pytest

from rtbench.core.response_events import AudioDelta, ResponseCreated, ResponseDone
from rtbench.core.server_events import ItemDone
from rtbench.emulator.answer import SpokenAnswer
from rtbench.emulator.conversation_items import ConversationItems
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import DeltaOutput
from rtbench.emulator.plan import make_plan
from rtbench.emulator.response import CLIENT_CANCELLED, TURN_DETECTED, Cancellation, Response
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
            output=DeltaOutput(self.outbox),
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
    ended = []
    for _ in range(2):
        stage.response.cancel(Cancellation(160 * MS, CLIENT_CANCELLED))
        ended += stage.advance(160)
    assert [type(event) for event, _ in ended].count(ResponseDone) == 1
    assert (stage.row.status, stage.row.reason) == ("cancelled", CLIENT_CANCELLED)


def test_what_was_truncated_in_mid_answer_stays_truncated(stage):
    stage.advance(250)
    stage.items.truncate("item_1", 0, 50)
    outgoing = stage.advance(5_000)
    [done] = [event for event, _ in outgoing if type(event) is ItemDone]
    assert done.item["content"] == [{"type": "output_audio"}]
    assert next(iter(stage.items)).audio_ms == 50


def test_a_cancellation_to_come_lets_it_go_on_until_then(stage):
    stage.advance(150)
    stage.response.cancel(Cancellation(450 * MS, TURN_DETECTED))
    stage.response.cancel(Cancellation(600 * MS, CLIENT_CANCELLED))
    outgoing = stage.advance(2_000)
    assert [due / MS for event, due in outgoing if type(event) is AudioDelta] == [200, 300, 400]
    assert (outgoing[-1].due_ns, stage.row.reason) == (450 * MS, TURN_DETECTED)
    assert stage.response.next_wake() is None


def test_one_that_ends_before_its_cancellation_is_completed(stage):
    stage.response.cancel(Cancellation(900 * MS, TURN_DETECTED))
    assert stage.advance(5_000)[-1].event.response["status"] == "completed"
    assert stage.row.stale_audio_ms is None


def test_stale_audio_follows_the_end_at_its_own_pace_and_counts_for_nothing(stage):
    stage.advance(250)
    stage.response.cancel(Cancellation(250 * MS, TURN_DETECTED, stale_ns=150 * MS))
    [done] = [event for event, _ in stage.advance(250) if type(event) is ResponseDone]
    assert stage.response.next_wake() == 300 * MS
    stale = stage.advance(5_000)
    assert [(due / MS, event.delta.size_bytes) for event, due in stale] == [(300, 4_800), (400, 2_400)]
    assert stage.response.next_wake() is None
    assert done.response["usage"]["output_token_details"]["audio_tokens"] == 200 / 50
    assert (stage.row.audio_ms, stage.row.stale_audio_ms) == (200, 150)


def test_an_answer_that_had_not_begun_to_sound_has_no_stale_audio(stage):
    stage.response.cancel(Cancellation(50 * MS, TURN_DETECTED, stale_ns=150 * MS))
    stage.advance(50)
    assert stage.advance(5_000) == []
    assert stage.row.stale_audio_ms == 0
