"""The agent's voice over RTP: one stream of packets without names, told apart into the replies that it holds.

Which reply a packet belongs to is known from the events beside the stream, which may come before or
after it. A reply begins, once `response.created` has come,

    with the first packet of a talkspurt (marked, or after a pause), even one that began up to EARLY_NS
    before the event that announces it, and goes on; or
    with the first packet after `output_audio_buffer.started`; or
    with the first packet that is loud: some services send silence without end between their answers.

It ends with `output_audio_buffer.stopped` or `.cleared`; what still sounds without a pause after that
is its own. Where a service sends no such events: once `response.done` has come, with the first pause or
silence of QUIET_NS.

A reply is one item: where an item ends and the next begins within a response is not to be seen in RTP.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rtbench.core import pcm
from rtbench.core.agent_voice import AgentVoice, Ear, Reply, SpokenItem
from rtbench.core.audibility import AUDIBLE_DBFS
from rtbench.core.audio import PCM16
from rtbench.core.codec import PacketDecoder
from rtbench.core.jitter_buffer import JitterBuffer, StreamPlayback
from rtbench.core.json_fields import string
from rtbench.core.packet_listener import PacketListener
from rtbench.core.reception import PAUSE_NS, Reception
from rtbench.core.response_events import (
    AudioTranscriptDelta,
    AudioTranscriptDone,
    ContentPartAdded,
    ResponseCreated,
    ResponseDone,
)
from rtbench.core.rtp import Arrival, Media, Packet, is_whole, payload_ticks
from rtbench.core.server_events import (
    OutputAudioCleared,
    OutputAudioStarted,
    OutputAudioStopped,
    ServerEvent,
)

NS_PER_S = 1_000_000_000

Keep = Callable[[Reply, bytes], None]
"""Takes a reply, and the payload that ends what was received of it."""

EARLY_NS = 500_000_000
"""How much later than its first packet a reply may be announced: a lost message of the data channel takes a
retransmission timeout."""

LEADING_PACKETS = 5
"""Silent ones that may come before an answer's announcement; more of them at the very beginning are no answer's."""

QUIET_NS = 300_000_000
"""Silence after `response.done` that ends a reply whose end nobody tells; longer than most pauses within speech."""

CHARACTERS_PER_S = 15
"""Of English speech, by which a reply's length is foretold from its transcript."""


@dataclass(slots=True)
class _Response:
    """A response that may still sound."""

    response_id: str
    created_ns: int
    item_id: str = ""
    speaks: bool = False
    """There is audio in it."""

    started: bool = False
    """`output_audio_buffer.started` came, so that its end will be told too."""

    done: bool = False
    cancelled: bool = False
    transcript: str = ""


@dataclass(slots=True)
class _Speech:
    """The reply that the stream is in, or was in last."""

    response: _Response
    reply: Reply
    playback: StreamPlayback
    listener: PacketListener
    base_ticks: int
    silent_ns: int = 0
    """Silence at the end of what came, counted only where the end is not told."""

    left: bool = False
    """The stream has gone on to something else; what is loud from here on is another reply."""


class StreamedVoice(AgentVoice):
    """All replies of a session over RTP, through one jitter buffer."""

    def __init__(self, prebuffer_ns: int, *, listens_closely: bool) -> None:
        super().__init__(PCM16, prebuffer_ns, listens_closely=listens_closely)
        self.reception: Reception | None = None
        """What was counted of the packets; None before `open`."""

        self.broken_packets = 0
        """Packets of replies that were cut short, or none of their codec: as good as lost."""

        self._player = self._buffer = JitterBuffer(prebuffer_ns)
        self._media: Media | None = None
        self._keep: Keep | None = None
        self._waiting: deque[_Response] = deque()
        self._speech: _Speech | None = None
        self._early: deque[Arrival] = deque()
        self._early_begins = False
        self._highest = -1
        self._last_ns = -PAUSE_NS
        self._scout: PacketDecoder | None = None
        self._news: dict[str, Reply] = {}
        self._concealed_before_ns = 0
        self._late_before = 0

    def open(self, media: Media, keep: Keep | None = None) -> None:
        """The stream stands; before that no packet can be heard. `keep` is told of what will be played, in order."""
        self._media = media
        self._keep = keep
        self.reception = Reception(media.codec.clock_rate_hz)

    @property
    def depth_ns(self) -> int:
        """Of the jitter buffer."""
        return self._buffer.depth_ns

    @property
    def concealed_ns(self) -> int:
        """Of all replies so far, what was to be played and was not there."""
        return self._concealed_before_ns + (self._speech.playback.concealed_ns if self._speech else 0)

    @property
    def late_packets(self) -> int:
        """Packets of replies that came too late to be played."""
        return self._late_before + (self._speech.playback.late_packets if self._speech else 0)

    def take_news(self) -> list[Reply]:
        """Replies of which something was learned since the last call: that they began, or where their sound begins."""
        news = list(self._news.values())
        self._news.clear()
        return news

    # Packets.

    def hear(self, packet: Packet, now: int) -> Reply | None:
        """A packet arrived; the reply that it belongs to."""
        if self._media is None or self.reception is None:
            return None
        arrival = self.reception.receive(packet, now)
        if arrival is None:
            return None
        speech = self._speech
        if arrival.sequence <= self._highest:
            if speech is not None and arrival.ticks >= speech.base_ticks:
                self._place(speech, arrival)
                return speech.reply
            return None
        begins = arrival.marker or now - self._last_ns >= PAUSE_NS
        self._highest, self._last_ns = arrival.sequence, now
        if speech is not None and not self._has_ended(speech, arrival, begins):
            self._place(speech, arrival)
            return speech.reply
        self._keep_early(arrival, begins)
        self._try_to_begin(now, is_packet=True)
        return self._speech.reply if self._speech is not None and self._speech is not speech else None

    def _keep_early(self, arrival: Arrival, begins: bool) -> None:
        """Nobody's packet yet; an event may say later whose it is."""
        early = self._early
        if begins:
            early.clear()
            self._early_begins = True
        early.append(arrival)
        while early[0].at_ns < arrival.at_ns - EARLY_NS:
            early.popleft()
            self._early_begins = False

    def _try_to_begin(self, now: int, *, is_packet: bool) -> None:
        """Begin the next reply where packets and events allow it; `is_packet`: the newest packet came just now."""
        response = next((each for each in self._waiting if each.started), None)
        response = response or next(iter(self._waiting), None)
        if response is None or not self._early or now - self._last_ns >= PAUSE_NS:
            return
        self._early_begins = self._early_begins and not self._is_endless()
        if self._early_begins and self._early[0].at_ns >= now - EARLY_NS:
            self._begin(response, list(self._early))
        elif is_packet and (response.started or self._is_loud(self._early[-1])):
            self._begin(response, [self._early[-1]])

    def _is_endless(self) -> bool:
        """Whether the packets with which the stream itself began are no answer's, but silence that is never broken off."""
        is_opening = self._speech is None and len(self._early) > LEADING_PACKETS
        return is_opening and not any(map(self._is_loud, self._early))

    def _begin(self, response: _Response, arrivals: list[Arrival]) -> None:
        assert self._media is not None
        self._leave_speech()
        first, codec = arrivals[0], self._media.codec
        playback = self._buffer.begin(response.response_id, first.at_ns)
        reply = Reply(response.response_id, playback, items=[SpokenItem(response.item_id, 0)])
        closely = self._closely or first.at_ns < self.caller_until_ns
        ear = self._ears[response.response_id] = Ear(codec.rate_hz, closely=closely)
        self._replies[response.response_id] = reply
        listener = PacketListener(ear, self._media, reply)
        self._speech = _Speech(response, reply, playback, listener, first.ticks)
        self._waiting = deque(each for each in self._waiting if each is not response and not each.done)
        self._early.clear()
        self._early_begins = False
        self._scout = None
        self._news[response.response_id] = reply
        for arrival in arrivals:
            self._place(self._speech, arrival)

    def _leave_speech(self) -> None:
        speech, self._speech = self._speech, None
        if speech is not None:
            self._finish(speech, speech.playback.last_arrival_ns)
            self._concealed_before_ns += speech.playback.concealed_ns
            self._late_before += speech.playback.late_packets

    def _place(self, speech: _Speech, arrival: Arrival) -> None:
        assert self._media is not None
        codec, item = self._media.codec, speech.reply.items[-1]
        media_ns = codec.ticks_ns(arrival.ticks - speech.base_ticks)
        ticks = payload_ticks(codec, arrival.payload)
        if not is_whole(codec, ticks):
            self.broken_packets += 1
            self._news[speech.reply.response_id] = speech.reply
            return
        duration_ns = codec.ticks_ns(ticks)
        known = item.first_sound_ns
        if speech.playback.place(media_ns, duration_ns, self._buffer.depth_ns, arrival.at_ns):
            if self._keep is not None and speech.playback.received_ns == media_ns + duration_ns:
                self._keep(speech.reply, arrival.payload)
            speech.listener.take(arrival.ticks - speech.base_ticks, arrival.payload, arrival.at_ns)
        if item.first_sound_ns != known or speech.reply.is_over:
            self._news[speech.reply.response_id] = speech.reply

    def _has_ended(self, speech: _Speech, arrival: Arrival, begins: bool) -> bool:
        """Whether a new packet is no part of the reply any more."""
        told = speech.reply.is_over
        if not told and not self._ends_untold(speech.response):
            return False
        if begins or speech.left:
            speech.left = True
            return True
        is_loud = self._is_loud(arrival)
        if told:
            speech.left = not is_loud
            return speech.left
        speech.silent_ns = 0 if is_loud else speech.silent_ns + self._duration_ns(arrival)
        if speech.silent_ns < QUIET_NS:
            return False
        speech.left = True
        self._finish(speech, arrival.at_ns)
        return True

    @staticmethod
    def _ends_untold(response: _Response) -> bool:
        """Nobody will say when the reply has been played to its end, and it has been written."""
        return response.done and (response.cancelled or not response.started)

    def _is_loud(self, arrival: Arrival) -> bool:
        assert self._media is not None
        if self._scout is None:
            self._scout = self._media.new_decoder()
        try:
            return pcm.level_dbfs(self._scout.decode(arrival.payload)) > AUDIBLE_DBFS
        except ValueError:
            return False

    def _duration_ns(self, arrival: Arrival) -> int:
        assert self._media is not None
        return self._media.codec.ticks_ns(payload_ticks(self._media.codec, arrival.payload))

    # Events.

    def take(self, event: ServerEvent, now: int) -> None:
        """Take what an event says about the stream."""
        match event:
            case ResponseCreated():
                self._waiting.append(_Response(string(event.response, "id"), now))
                self._try_to_begin(now, is_packet=False)
            case ContentPartAdded() if string(event.part, "type") == "audio":
                self._note_audio(event.response_id, event.item_id)
            case AudioTranscriptDelta():
                self._note_audio(event.response_id, event.item_id)
            case AudioTranscriptDone() if (response := self._response(event.response_id)) is not None:
                response.transcript = event.transcript
            case OutputAudioStarted() if (response := self._response(event.response_id)) is not None:
                response.started = True
                self._try_to_begin(now, is_packet=False)
            case OutputAudioStopped() | OutputAudioCleared():
                self._stop(event.response_id, now)
            case ResponseDone():
                self._note_done(string(event.response, "id"), string(event.response, "status"))

    def settle(self, now: int) -> None:
        """End the reply whose end is not told, where it is time."""
        speech = self._speech
        if speech is not None and not speech.reply.is_over:
            complete_ns = self.complete_ns(speech.reply.response_id)
            if complete_ns is not None and now >= complete_ns:
                self._finish(speech, now)

    def complete_ns(self, response_id: str) -> int | None:
        """From when on no more audio of a response is expected; None while it is."""
        if any(each.response_id == response_id for each in self._waiting):
            return None
        speech = self._speech
        if speech is None or speech.reply.response_id != response_id or speech.reply.is_over:
            return 0
        return self._last_ns + QUIET_NS if self._ends_untold(speech.response) else None

    def quiet_ns(self, now: int) -> int | None:
        """When all that is known of has been heard; None while more is to come."""
        return None if self._waiting else super().quiet_ns(now)

    def length_ns(self, response_id: str) -> int | None:
        """How long a reply is; before its end, how long its transcript takes to be said."""
        known_ns = super().length_ns(response_id)
        response = self._response(response_id)
        if known_ns is not None or response is None or not response.transcript:
            return known_ns
        return len(response.transcript) * NS_PER_S // CHARACTERS_PER_S

    def _response(self, response_id: str) -> _Response | None:
        if self._speech is not None and self._speech.response.response_id == response_id:
            return self._speech.response
        return next((each for each in self._waiting if each.response_id == response_id), None)

    def _note_audio(self, response_id: str, item_id: str) -> None:
        response = self._response(response_id)
        if response is None or response.speaks:
            return
        response.speaks, response.item_id = True, item_id
        reply = self._replies.get(response_id)
        if reply is not None:
            reply.items[0].item_id = item_id

    def _note_done(self, response_id: str, status: str) -> None:
        response = self._response(response_id)
        if response is None:
            return
        response.done, response.cancelled = True, status == "cancelled"
        if response in self._waiting and (response.cancelled or not (response.speaks or response.started)):
            self._waiting.remove(response)

    def _stop(self, response_id: str, now: int) -> None:
        speech = self._speech
        if speech is not None and speech.reply.response_id == response_id:
            self._finish(speech, now)
        self._waiting = deque(each for each in self._waiting if each.response_id != response_id)

    def _finish(self, speech: _Speech, now: int) -> None:
        if speech.reply.is_over:
            return
        speech.listener.finish()
        self._buffer.finish(speech.reply.response_id, now)
        speech.reply.is_over = True
        self._news[speech.reply.response_id] = speech.reply
