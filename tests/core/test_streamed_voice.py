"""Which packets are whose: replies of 20 ms packets, told apart by the events beside them."""

import pytest

from rtbench.core.client_events import ItemTruncate, OutputAudioClear, ResponseCancel
from rtbench.core.metrics.response import identity_error_ms
from rtbench.core.metrics.turn_taking import truncation_error_ms
from rtbench.core.response_events import (
    AudioTranscriptDelta,
    AudioTranscriptDone,
    ContentPartAdded,
    ResponseCreated,
    ResponseDone,
)
from rtbench.core.script import Disturb, Interrupt, Listen, Moment, Say, SessionConfig
from rtbench.core.server_events import OutputAudioCleared, OutputAudioStarted, OutputAudioStopped
from rtbench.core.streamed_voice import StreamedVoice

MS = 1_000_000
DEPTH_MS = 40


class Line:
    """A voice that hears a speaker's packets and is told a service's events, at instants in ms."""

    def __init__(self, speaker, *, closely: bool = False) -> None:
        self.voice = StreamedVoice(DEPTH_MS * MS, listens_closely=closely)
        self.voice.open(speaker.media)
        self.speaker = speaker

    def packets(self, ms: float, count: int, **kind: bool) -> None:
        """The first one marked where `marker`."""
        marker = kind.pop("marker", False)
        for number in range(count):
            packet = self.speaker.packet(marker=marker and not number, **kind)
            self.voice.hear(packet, round((ms + 20 * number) * MS))

    def tell(self, ms: float, *events) -> None:
        for event in events:
            self.voice.take(event, round(ms * MS))

    def reply(self, response_id: str = "r1"):
        return self.voice.reply(response_id)

    def media_ms(self, response_id: str = "r1") -> float:
        return self.reply(response_id).playback.received_ns / MS

    def began_ms(self, response_id: str = "r1") -> float:
        return self.reply(response_id).playback.first_arrival_ns / MS


def created(response_id: str = "r1") -> ResponseCreated:
    return ResponseCreated(response={"id": response_id})


def speaks(response_id: str = "r1", item_id: str = "i1") -> ContentPartAdded:
    return ContentPartAdded(
        response_id=response_id, item_id=item_id, output_index=0, content_index=0, part={"type": "audio"}
    )


def done(response_id: str = "r1", status: str = "completed") -> ResponseDone:
    return ResponseDone(response={"id": response_id, "status": status})


def started(response_id: str = "r1") -> OutputAudioStarted:
    return OutputAudioStarted(response_id=response_id)


def stopped(response_id: str = "r1") -> OutputAudioStopped:
    return OutputAudioStopped(response_id=response_id)


def cleared(response_id: str = "r1") -> OutputAudioCleared:
    return OutputAudioCleared(response_id=response_id)


@pytest.fixture
def line(speaker) -> Line:
    return Line(speaker)


def test_before_the_stream_is_opened_nothing_is_heard(speaker) -> None:
    voice = StreamedVoice(DEPTH_MS * MS, listens_closely=False)

    assert voice.hear(speaker.packet(), 0) is None
    assert voice.reception is None


def test_packets_without_a_response_are_nobodys(line) -> None:
    line.packets(0, 10, marker=True)

    assert line.voice.replies == []
    assert line.voice.reception.received == 10


def test_a_reply_begins_with_the_talkspurt_that_follows_its_creation(line) -> None:
    line.tell(100, created(), speaks())
    line.packets(200, 5, marker=True)

    assert line.began_ms() == 200
    assert line.media_ms() == 100
    assert line.reply().items[0].item_id == "i1"
    assert line.reply().playback.play_ns(0) == (200 + DEPTH_MS) * MS


def test_a_pause_begins_a_talkspurt_as_well_as_a_mark(line) -> None:
    line.packets(0, 5, marker=True)
    line.tell(300, created(), speaks())
    line.packets(400, 5)

    assert line.began_ms() == 400


def test_packets_that_overtook_the_creation_are_the_replys(line) -> None:
    line.packets(200, 3, marker=True)
    line.tell(250, created(), speaks(), started())
    line.packets(260, 3)

    assert line.began_ms() == 200
    assert line.media_ms() == 120
    assert [reply.response_id for reply in line.voice.take_news()] == ["r1"]


def test_a_talkspurt_that_is_long_over_is_not_the_replys(line) -> None:
    line.packets(200, 3, marker=True)
    line.tell(1_000, created(), speaks())
    line.packets(1_100, 3)

    assert line.began_ms() == 1_100


def test_silence_without_end_does_not_pass_for_an_answer(line) -> None:
    line.packets(0, 50, silent=True, marker=True)
    line.tell(995, created(), speaks())
    line.packets(1_000, 10, silent=True)
    assert line.voice.replies == []

    line.tell(1_199, started())
    line.packets(1_200, 2, silent=True)
    line.packets(1_240, 10)
    assert line.began_ms() == 1_200
    assert line.media_ms() == 240
    line.tell(1_440, stopped())
    line.packets(1_440, 100, silent=True)
    assert line.media_ms() == 240


def test_without_buffer_events_an_answer_within_silence_begins_where_it_is_loud(line) -> None:
    line.packets(0, 50, silent=True, marker=True)
    line.tell(995, created(), speaks())
    line.packets(1_000, 10, silent=True)
    line.packets(1_200, 20)
    line.tell(1_300, done())

    assert line.began_ms() == 1_200
    line.packets(1_600, 30, silent=True)
    assert line.reply().is_over
    assert line.media_ms() == 400 + 280  # all but the packet at which 300 ms of silence were full
    line.packets(2_200, 5, silent=True)
    assert line.media_ms() == 680


def test_the_end_that_is_told_ends_a_reply_and_what_was_written_long_before_does_not(line) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(10, 20, marker=True)
    line.tell(200, done())
    assert line.voice.complete_ns("r1") is None
    assert line.voice.quiet_ns(400 * MS) is None
    assert not line.reply().is_over

    line.tell(410, stopped())
    assert line.voice.complete_ns("r1") == 0
    assert line.reply().is_over
    assert line.voice.quiet_ns(415 * MS) == (410 + DEPTH_MS) * MS


def test_where_no_end_is_told_a_pause_after_the_writing_is_the_end(line) -> None:
    line.tell(0, created(), speaks())
    line.packets(10, 20, marker=True)
    assert line.voice.complete_ns("r1") is None
    line.tell(395, done())

    assert line.voice.complete_ns("r1") == (390 + 300) * MS
    line.voice.settle(600 * MS)
    assert not line.reply().is_over
    line.voice.settle(690 * MS)
    assert line.reply().is_over


def test_a_cancelled_reply_ends_with_its_packets_even_if_nobody_says_cleared(line) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(10, 20, marker=True)
    line.tell(395, done(status="cancelled"))

    assert line.voice.complete_ns("r1") == 690 * MS


def test_what_still_sounds_behind_the_end_without_a_pause_is_the_replys_own(line) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(0, 10, marker=True)
    line.tell(195, cleared())
    line.packets(200, 5)
    line.packets(300, 5, silent=True)

    assert line.media_ms() == 300


def test_the_next_answer_behind_the_end_is_another_reply(line) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(0, 10, marker=True)
    line.tell(195, cleared())
    line.tell(600, created("r2"), speaks("r2", "i2"))
    line.packets(700, 10, marker=True)

    assert (line.media_ms(), line.media_ms("r2")) == (200, 200)
    assert line.began_ms("r2") == 700


def test_a_response_that_waits_for_the_one_before_begins_when_it_is_its_turn(line) -> None:
    line.tell(0, created("r1"), speaks("r1"), started("r1"))
    line.packets(0, 10, marker=True)
    line.tell(150, done("r1"), created("r2"), speaks("r2", "i2"))
    line.packets(200, 5)
    line.tell(300, stopped("r1"))
    line.tell(301, started("r2"))
    line.packets(300, 10, marker=True)

    assert (line.media_ms("r1"), line.media_ms("r2")) == (300, 200)


def test_a_response_without_audio_is_not_waited_for(line) -> None:
    line.tell(0, created())
    assert line.voice.complete_ns("r1") is None
    line.tell(10, done())

    assert line.voice.complete_ns("r1") == 0
    assert line.voice.quiet_ns(20 * MS) == 20 * MS
    line.packets(100, 5, marker=True)
    assert line.voice.replies == []


def test_a_spoken_response_is_waited_for_though_it_is_written(line) -> None:
    line.tell(0, created(), speaks(), done())
    assert line.voice.complete_ns("r1") is None
    line.packets(50, 5, marker=True)

    assert line.began_ms() == 50


@pytest.mark.parametrize(
    "end", [stopped(), cleared(), done(status="cancelled")], ids=lambda event: type(event).__name__
)
def test_a_response_that_ends_before_it_sounds_is_not_waited_for(line, end) -> None:
    line.tell(0, created(), speaks(), end)

    assert line.voice.complete_ns("r1") == 0


def test_a_loss_leaves_a_hole_and_a_swap_none(line, speaker) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(10, 2, marker=True)
    overtaken = speaker.packet()
    line.packets(70, 1)
    line.voice.hear(overtaken, 75 * MS)
    speaker.lose(2)
    line.packets(130, 2)

    assert line.media_ms() == 160
    assert line.voice.concealed_ns == 40 * MS
    assert line.voice.late_packets == 0
    assert (line.voice.reception.lost, line.voice.reception.reordered) == (2, 1)


def test_a_packet_that_was_cut_short_is_counted_and_is_as_good_as_lost(line, speaker) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(10, 2, marker=True)
    assert (line.voice.broken_packets, len(line.voice.take_news())) == (0, 1)
    broken = speaker.packet()._replace(payload=b"\xff")
    line.voice.hear(broken, 50 * MS)

    assert (line.voice.broken_packets, len(line.voice.take_news())) == (1, 1)
    line.packets(70, 1)
    assert line.voice.concealed_ns == 20 * MS
    assert line.voice.reception.lost == 0


def test_a_double_counts_once(line, speaker) -> None:
    line.tell(0, created(), speaks(), started())
    packet = speaker.packet(marker=True)
    assert line.voice.hear(packet, 10 * MS) is not None
    assert line.voice.hear(packet, 11 * MS) is None
    assert line.media_ms() == 20


def test_what_was_concealed_and_late_is_summed_over_replies(line, speaker) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(0, 2, marker=True)
    speaker.lose(1)
    line.packets(60, 2)
    line.tell(100, stopped(), created("r2"), speaks("r2"))
    line.packets(400, 1, marker=True)
    late = speaker.packet()
    line.packets(440, 2)
    line.voice.hear(late, 470 * MS)

    assert line.voice.concealed_ns == 40 * MS
    assert line.voice.late_packets == 1


def test_nothing_is_decoded_behind_the_first_sound(line, speaker) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(10, 3, silent=True, marker=True)
    line.packets(70, 100)

    assert line.reply().items[0].first_sound_ns == pytest.approx(60 * MS, abs=9 * MS)
    assert speaker.decoded <= 8


def test_in_a_conversation_of_interruptions_all_is_listened_to(speaker) -> None:
    line = Line(speaker, closely=True)
    line.tell(0, created(), speaks(), started())
    line.packets(0, 10, marker=True)
    line.packets(200, 10, silent=True)
    line.packets(400, 10)
    line.tell(600, stopped())

    pieces = [(start / MS, end / MS) for start, end in line.voice.audible_pieces(0, 10_000 * MS)]
    assert pieces == [
        (pytest.approx(40, abs=9), pytest.approx(240, abs=9)),
        (pytest.approx(440, abs=9), pytest.approx(640, abs=9)),
    ]
    assert speaker.decoded == 30


def test_an_item_that_is_named_late_gets_its_name(line) -> None:
    line.tell(0, created(), started())
    line.packets(0, 2, marker=True)
    line.tell(
        30,
        AudioTranscriptDelta(response_id="r1", item_id="i7", output_index=0, content_index=0, delta="Yes"),
    )

    assert line.reply().items[0].item_id == "i7"


def test_the_length_of_a_reply_is_foretold_by_its_transcript_and_known_at_its_end(line) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(0, 2, marker=True)
    assert line.voice.length_ns("r1") is None
    line.tell(
        30,
        AudioTranscriptDone(
            response_id="r1", item_id="i1", output_index=0, content_index=0, transcript="x" * 30
        ),
    )
    assert line.voice.length_ns("r1") == 2_000 * MS
    line.tell(40, stopped())
    assert line.voice.length_ns("r1") == 40 * MS


def test_a_reply_that_was_heard_out_is_forgotten(line) -> None:
    line.tell(0, created(), speaks(), started())
    line.packets(0, 2, marker=True)
    line.tell(40, stopped())
    line.voice.forget_all_but(set(), 200 * MS)

    assert line.voice.replies == []
    line.packets(220, 2, marker=True)
    assert line.voice.replies == []


# Whole conversations; the caller is ready to talk at 300 ms, and its speech ends at 300 + 850.

ANSWERED_AT = 1_700


@pytest.fixture
def talk(caller, speaker):
    """Makes callers who hear the speaker over RTP."""

    def make(*steps, **script):
        made = caller(*steps, streamed=True, prebuffer_ns=DEPTH_MS * MS, **script)
        made.machine.stream.open(speaker.media)
        return made

    return make


def answer(talker, agent, speaker, at_ms: float = ANSWERED_AT, packets: int = 50, silent: int = 3) -> float:
    """An answer from its creation to its last packet, the first `silent` of them silence; when the next would come."""
    talker.hear(at_ms - 20, agent.created(), speaks())
    talker.hear(at_ms - 10, started())
    next_ms = talker.hear_packets(at_ms, speaker, silent, silent=True, marker=True)
    talker.hear(next_ms - 1, done())
    return talker.hear_packets(next_ms, speaker, packets - silent)


def test_a_turn_over_rtp_has_all_its_parts_and_they_add_up(talk, agent, speaker, hello) -> None:
    talker = talk(Say(hello), Listen(10_000 * MS))
    talker.hear(400, agent.started)
    talker.hear(1_400, agent.stopped)
    end_ms = answer(talker, agent, speaker)
    assert talker.turns == []
    talker.hear(end_ms, stopped())
    assert talker.turns == []  # 40 ms of it are still in the buffer
    talker.sleep_until(end_ms + DEPTH_MS + 1)

    (turn,) = talker.turns
    assert turn.outcome == "answered"
    assert turn.first_audio_ns == ANSWERED_AT * MS
    assert turn.leading_silence_ms == pytest.approx(60, abs=9)
    assert turn.playout_wait_ms == DEPTH_MS
    assert turn.audible_ns == (ANSWERED_AT + DEPTH_MS + turn.leading_silence_ms) * MS
    assert identity_error_ms(turn) == pytest.approx(0, abs=1e-6)
    assert (turn.audio_ms, turn.chunks, turn.underrun_count) == (1_000, 50, 0)
    assert turn.closed_ns == turn.playout_end_ns == (ANSWERED_AT + 1_000 + DEPTH_MS) * MS
    assert turn.output_started_ns == (ANSWERED_AT - 10) * MS
    assert (turn.output_stopped_ns, turn.output_cleared_ns) == (end_ms * MS, None)
    assert talker.outcome == "completed"


@pytest.mark.parametrize("told", [True, False], ids=["buffer events", "none"])
def test_within_silence_without_end_a_turn_is_measured_by_its_own_sound(
    talk, agent, speaker, hello, told: bool
) -> None:
    talker = talk(Say(hello), Listen(10_000 * MS))
    now_ms = talker.hear_packets(320, speaker, 50, silent=True)  # from 320 to 1,320
    talker.hear(now_ms, agent.stopped)
    now_ms = talker.hear_packets(now_ms, speaker, 10, silent=True)
    talker.hear(now_ms - 5, agent.created(), speaks(), *([started()] if told else []))
    # Where its beginning is told, silence leads the answer.
    loud_ms = talker.hear_packets(now_ms, speaker, 3, silent=True)
    end_ms = talker.hear_packets(loud_ms, speaker, 50)
    talker.hear(end_ms - 1, done(), *([stopped()] if told else []))
    after_ms = talker.hear_packets(end_ms, speaker, 30, silent=True)
    talker.sleep_until(after_ms)

    (turn,) = talker.turns
    assert turn.outcome == "answered"
    assert turn.first_audio_ns == (now_ms if told else loud_ms) * MS
    assert turn.leading_silence_ms == pytest.approx(60 if told else 0, abs=9)
    assert turn.audible_ns == pytest.approx((loud_ms + DEPTH_MS) * MS, abs=9 * MS)
    assert identity_error_ms(turn) == pytest.approx(0, abs=1e-6)
    # Where nobody tells the end, 300 ms of silence do, and belong to the answer until then.
    assert turn.audio_ms == pytest.approx(1_060 if told else 1_300, abs=21)
    assert turn.underrun_count == 0
    assert talker.outcome == "completed"


def test_silence_behind_an_answer_is_no_part_of_the_next_one_however_soon_that_comes(line) -> None:
    line.packets(0, 10, marker=True, silent=True)
    line.tell(195, created(), speaks(), started())
    line.packets(200, 5)
    line.tell(299, done(), stopped())
    line.packets(300, 10, silent=True)
    line.tell(495, created("r2"), speaks("r2"), started("r2"))
    line.packets(500, 5)

    assert (line.began_ms("r1"), line.media_ms("r1")) == (200, 100)
    assert (line.began_ms("r2"), line.media_ms("r2")) == (500, 100)


def test_an_answer_that_ends_untold_in_silence_is_not_taken_up_by_the_next(line) -> None:
    line.tell(0, created(), speaks())
    line.packets(10, 5, marker=True)
    line.tell(105, done())
    line.packets(110, 15, silent=True)  # 300 ms, which end it
    line.tell(405, created("r2"), speaks("r2"))
    line.packets(410, 5)

    assert line.reply("r1").is_over
    assert (line.began_ms("r2"), line.media_ms("r2")) == (410, 100)


def test_most_packets_change_nothing(talk, agent, speaker, hello) -> None:
    talker = talk(Say(hello), Listen(10_000 * MS))
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), started())
    changes = [
        talker.machine.hear(speaker.packet(marker=not number), (1_700 + 20 * number) * MS)
        for number in range(20)
    ]

    assert changes[0]
    assert sum(changes) <= 2  # the first packet, and the one that made it audible


def test_an_answer_whose_end_nobody_tells_ends_with_its_packets(talk, agent, speaker, hello) -> None:
    talker = talk(Say(hello), Listen(10_000 * MS))
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks())
    talker.hear_packets(1_700, speaker, 50, marker=True)
    talker.hear(2_699, done())
    talker.sleep_until(2_979)
    assert talker.turns == []
    talker.sleep_until(2_980)

    (turn,) = talker.turns
    assert (turn.outcome, turn.audio_ms) == ("answered", 1_000)


def test_an_answer_that_is_written_and_never_spoken_was_not_heard(talk, agent, hello) -> None:
    talker = talk(Say(hello), Listen(3_000 * MS))
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), done())
    talker.sleep_until(10_000)

    assert talker.outcomes == ["no_answer"]


def test_a_caller_who_interrupts_mutes_the_player_and_leaves_the_rest_to_the_service(
    talk, agent, speaker, hello, wait
) -> None:
    talker = talk(Say(hello), Interrupt(wait, Moment(heard_ns=400 * MS)), Listen(10_000 * MS))
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), started())
    # Audible from 1740 on: at 2140 the caller's 40 ms of quiet before "wait" are over, to the frame.
    talker.hear_packets(1_700, speaker, 30, marker=True)
    assert [name for name, _ in talker.clips] == ["hello", "wait"]
    onset_ms = talker.clips[1][1] + 40
    assert 2_140 <= onset_ms <= 2_180
    talker.hear(2_300, agent.started, cleared())
    talker.hear(2_301, agent.truncated("i1", 600), done(status="cancelled"))
    talker.hear(2_900, agent.stopped, agent.created("r2"), speaks("r2", "i2"), started("r2"))
    talker.hear_packets(3_000, speaker, 10, marker=True)
    talker.hear(3_200, done("r2"), stopped("r2"))
    talker.sleep_until(4_000)

    assert talker.sent_events(ItemTruncate, ResponseCancel, OutputAudioClear) == []
    assert talker.outcomes == ["answered", "answered"]
    (stimulus,) = talker.stimuli
    assert stimulus.cancelled_ns == stimulus.flushed_ns == 2_300 * MS
    assert stimulus.silent_ns == pytest.approx(2_300 * MS, abs=10 * MS)
    assert stimulus.stale_audio_ms == 0
    # The service has sent 600 ms, of which 560 had left the player when the caller was heard.
    assert (stimulus.truncate_heard_ms, stimulus.truncate_audio_end_ms) == (560, 600)
    assert truncation_error_ms(stimulus) == 40
    assert stimulus.truncate_sent_ns is None


def test_a_service_that_does_not_stop_by_itself_is_cancelled_and_then_cleared(
    talk, agent, speaker, hello, wait
) -> None:
    session = SessionConfig(interrupts_by_itself=False)
    talker = talk(
        Say(hello), Interrupt(wait, Moment(heard_ns=400 * MS)), Listen(10_000 * MS), session=session
    )
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), started())
    talker.hear_packets(1_700, speaker, 30, marker=True)
    talker.hear(2_300, agent.started)

    sent = talker.sent_events(ItemTruncate, ResponseCancel, OutputAudioClear)
    assert [type(event) for event in sent] == [ResponseCancel, OutputAudioClear]


def test_what_is_written_is_only_cleared(talk, agent, speaker, hello, wait) -> None:
    session = SessionConfig(interrupts_by_itself=False)
    talker = talk(
        Say(hello), Interrupt(wait, Moment(heard_ns=400 * MS)), Listen(10_000 * MS), session=session
    )
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), started(), done())
    talker.hear_packets(1_700, speaker, 30, marker=True)
    talker.hear(2_300, agent.started)

    sent = talker.sent_events(ItemTruncate, ResponseCancel, OutputAudioClear)
    assert [type(event) for event in sent] == [OutputAudioClear]
    talker.hear(2_310, cleared())
    talker.sleep_until(2_900)
    talker.abort(3_000)
    (stimulus,) = talker.stimuli
    assert (stimulus.cancel_sent_ns, stimulus.cancelled_ns) == (2_300 * MS, 2_310 * MS)


def test_a_passive_caller_hears_what_comes_until_the_service_has_stopped(
    talk, agent, speaker, hello, wait
) -> None:
    talker = talk(
        Say(hello), Interrupt(wait, Moment(heard_ns=400 * MS)), Listen(10_000 * MS), policy="passive"
    )
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), started())
    talker.hear_packets(1_700, speaker, 30, marker=True)
    talker.hear(2_299, agent.started)
    talker.hear(2_300, done(status="cancelled"))
    talker.hear_packets(2_300, speaker, 5)
    talker.hear(2_400, cleared())
    talker.abort(3_000)

    (stimulus,) = talker.stimuli
    assert (stimulus.cancelled_ns, stimulus.flushed_ns) == (2_300 * MS, None)
    assert stimulus.stale_audio_ms == stimulus.stale_heard_ms == 100
    assert stimulus.silent_ns == (2_400 + DEPTH_MS) * MS


def test_a_share_of_an_answer_is_taken_of_its_transcript(talk, agent, speaker, hello, cough) -> None:
    talker = talk(Say(hello), Disturb(cough, "cough", Moment(fraction=0.5)), Listen(10_000 * MS))
    talker.hear(1_400, agent.stopped)
    talker.hear(1_690, agent.created(), speaks(), started())
    talker.hear(
        1_695,
        AudioTranscriptDone(
            response_id="r1", item_id="i1", output_index=0, content_index=0, transcript="x" * 30
        ),
    )
    talker.hear_packets(1_700, speaker, 100, marker=True)

    onset_ms = talker.clips[1][1] + 20
    assert 1_740 + 1_000 <= onset_ms <= 1_740 + 1_040


def test_an_answer_goes_on_where_its_sender_changes_its_ssrc_in_mid_answer(speaker) -> None:
    line = Line(speaker)
    line.tell(0, created(), speaks(), started())
    line.packets(0, 10, marker=True)
    for number in range(10):
        packet = speaker.packet()._replace(ssrc=2, sequence=20_000 + number, timestamp=9 + 160 * number)
        line.voice.hear(packet, (200 + 20 * number) * MS)
    line.tell(400, done(), stopped())

    assert (line.media_ms(), line.reply().is_over) == (400, True)
    reception = line.voice.reception
    assert (reception.expected, reception.lost, reception.jitter_mean_ns) == (20, 0, 0)
    assert (line.voice.concealed_ns, line.voice.late_packets) == (0, 0)
