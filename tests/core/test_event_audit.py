"""What is odd about events, found one by one."""

from __future__ import annotations

from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.core.event_audit import REMEMBERED, EventAudit
from rtbench.core.response_events import AudioDelta, AudioTranscriptDelta, ResponseDone
from rtbench.core.server_events import ItemDeleted, UnknownEvent
from rtbench.core.streamed_voice import StreamedVoice


def delta(event_id: str = "", data: bytes = b"1234", response_id: str = "r") -> AudioDelta:
    return AudioDelta(
        event_id=event_id,
        response_id=response_id,
        item_id="i",
        output_index=0,
        content_index=0,
        delta=Audio(data),
    )


def done(status: str) -> ResponseDone:
    return ResponseDone(response={"id": "r", "status": status})


def test_an_ordinary_answer_is_not_odd() -> None:
    audit = EventAudit(PCM16)

    assert [audit.finding(event) for event in (delta("e1"), delta("e2"), done("completed"))] == ["", "", ""]


def test_words_of_an_answer_that_is_over_are_stale() -> None:
    words = AudioTranscriptDelta(response_id="r", item_id="i", output_index=0, content_index=0, delta="so")
    audit = EventAudit(PCM16)

    assert [audit.finding(event) for event in (words, done("completed"), words)] == ["", "", "stale_event"]


def test_broken_packets_are_told_once() -> None:
    audit, stream = EventAudit(PCM16), StreamedVoice(0, listens_closely=False)
    assert audit.broken(None) == audit.broken(stream) == 0
    stream.broken_packets = 3

    assert [audit.broken(stream), audit.broken(stream)] == [3, 0]


def test_an_event_that_comes_twice_is_a_duplicate_and_one_without_an_id_is_not() -> None:
    audit = EventAudit(PCM16)

    assert [audit.finding(delta(name)) for name in ("e1", "e1", "", "")] == ["", "duplicate_event", "", ""]


def test_repetitions_are_noticed_as_far_back_as_is_remembered() -> None:
    audit = EventAudit(PCM16)
    for number in range(REMEMBERED + 1):
        audit.finding(ItemDeleted(event_id=f"e{number}", item_id="i"))

    assert audit.finding(ItemDeleted(event_id="e1", item_id="i")) == "duplicate_event"
    assert audit.finding(ItemDeleted(event_id="e0", item_id="i")) == ""


def test_audio_of_an_answer_that_is_over_is_stale_but_not_after_a_cancellation() -> None:
    over, cancelled = EventAudit(PCM16), EventAudit(PCM16)
    over.finding(done("completed"))
    cancelled.finding(done("cancelled"))

    assert over.finding(delta("e9")) == "stale_event"
    assert over.finding(delta("e10", response_id="other")) == ""
    assert cancelled.finding(delta("e9")) == ""


def test_half_a_sample_is_odd_in_pcm_only() -> None:
    assert EventAudit(PCM16).finding(delta(data=b"123")) == "odd_audio"
    assert EventAudit(PCMU).finding(delta(data=b"123")) == ""


def test_an_event_of_an_unknown_type_is_told() -> None:
    assert EventAudit(PCM16).finding(UnknownEvent(type="x")) == "unknown_event"
