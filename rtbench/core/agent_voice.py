"""The agent's voice as it reaches the caller: what was received, where there is sound in it, and when that is heard.

Sound is looked for only as far as somebody needs it: up to the first audible sample of an item, or all
through where caller and agent may speak at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from rtbench.core import pcm
from rtbench.core.audibility import AudibilityDetector, AudibleSpan, AudibleSpans
from rtbench.core.audio import AudioFormat
from rtbench.core.json_fields import string
from rtbench.core.playout import Playback, Player
from rtbench.core.response_events import AudioDelta, AudioDone, ResponseDone
from rtbench.core.server_events import ServerEvent

NS_PER_S = 1_000_000_000


class Stretch(NamedTuple):
    """A stretch of time, from one instant to another."""

    start_ns: int
    end_ns: int


@dataclass(slots=True)
class SpokenItem:
    """One item of a response: where its audio begins, and its first audible sample, by media position in the response."""

    item_id: str
    media_ns: int
    first_sound_ns: int | None = None


@dataclass(slots=True)
class Reply:
    """One response's audio."""

    response_id: str
    playback: Playback
    items: list[SpokenItem] = field(default_factory=list)
    is_over: bool = False
    """Its `response.done` has come."""

    sounds: list[Stretch] = field(default_factory=list)
    """Audible spans by media position, of what was listened to all through."""

    sounding_since_ns: int | None = None
    """Media position where the sound began that goes on at the end of what was received."""

    def item_heard(self, now: int) -> SpokenItem | None:
        """The item that is being heard."""
        heard_ns = self.playback.heard_ns(now)
        begun = [item for item in self.items if item.media_ns <= heard_ns]
        return begun[-1] if begun else None

    def audible_pieces(self, from_media_ns: int = 0) -> list[Stretch]:
        """When the sound after a media position is or will be heard, as far as that is known."""
        sounds = list(self.sounds)
        if self.sounding_since_ns is not None:
            sounds.append(Stretch(self.sounding_since_ns, self.playback.received_ns))
        return [
            Stretch(start_ns, end_ns)
            for sound in sounds
            for start_ns, end_ns in self.playback.pieces(max(sound.start_ns, from_media_ns), sound.end_ns)
        ]

    def is_silent(self, now: int) -> bool:
        """Nothing of it is playing or waiting to be played, and nothing more will come or be played."""
        flushed_ns = self.playback.flushed_at_ns
        if flushed_ns is not None:
            return flushed_ns <= now
        return self.is_over and not self.plays_on(now)

    def plays_on(self, now: int) -> bool:
        """Something of it is playing, or is waiting in the player to be played."""
        end_ns = self.playback.end_ns()
        return end_ns is None or end_ns > now


class AgentVoice:
    """All replies of a session that somebody may still ask for, through one player."""

    def __init__(self, fmt: AudioFormat, prebuffer_ns: int, *, listens_closely: bool) -> None:
        """`listens_closely`: find all sound, not only the first of each item."""
        self.caller_until_ns = 0
        """Until when the caller speaks: a reply that begins before is listened to all through."""

        self._format = fmt
        self._player = Player(prebuffer_ns)
        self._closely = listens_closely
        self._replies: dict[str, Reply] = {}
        self._ears: dict[str, Ear] = {}
        self._ended: set[str] = set()

    def reply(self, response_id: str) -> Reply | None:
        """A response's audio, None where none has arrived."""
        return self._replies.get(response_id)

    @property
    def replies(self) -> list[Reply]:
        """In order of arrival."""
        return list(self._replies.values())

    def take(self, event: ServerEvent, now: int) -> None:
        """Take what an event brings or says of the voice. Raises ValueError as `receive`."""
        match event:
            case AudioDelta():
                self.receive(event, now)
            case AudioDone():
                self.finish(event.response_id, now)
            case ResponseDone():
                self.end(string(event.response, "id"), now)

    def receive(self, event: AudioDelta, now: int) -> Reply | None:
        """Audio arrived; its reply, None where there was not a whole sample in it.

        Raises ValueError where the payload has to be decoded and cannot be: it was then not received.
        """
        duration_ns = self._format.duration_ns(event.delta.size_bytes)
        if not duration_ns:
            return None
        ear = self._ear(event, now)
        samples = pcm.decode(event.delta.data, self._format) if ear.listens else None
        reply = self._add(event, duration_ns, now)
        if reply.items[-1].item_id != event.item_id:
            reply.items.append(SpokenItem(event.item_id, reply.playback.received_ns - duration_ns))
        if samples is not None:
            ear.hear(samples, reply)
        if reply.is_over:
            self.finish(event.response_id, now)  # late audio, which nothing more will follow
        return reply

    def finish(self, response_id: str, now: int) -> None:
        """The response's audio is complete, as far as is known."""
        self._player.finish(response_id, now)

    def end(self, response_id: str, now: int) -> None:
        """The response is over."""
        self._ended.add(response_id)
        self.finish(response_id, now)
        reply = self._replies.get(response_id)
        if reply is not None:
            reply.is_over = True
            self._ears[response_id].finish(reply)

    def playing(self, now: int) -> Reply | None:
        """The reply that is being heard or is about to be; a player that ran dry in the middle of one waits for it."""
        going_on = [reply for reply in self._replies.values() if not reply.is_silent(now)]
        heard = (reply for reply in going_on if reply.plays_on(now))
        return next(heard, going_on[-1] if going_on else None)

    def flush(self, now: int) -> None:
        """Empty the player: what has not been heard never will be."""
        self._player.flush(now)

    def complete_ns(self, response_id: str) -> int | None:
        """From when on no more audio of a response that is over is expected; None while it is."""
        return 0

    def length_ns(self, response_id: str) -> int | None:
        """How long a reply is, None as long as nobody can know."""
        reply = self._replies.get(response_id)
        return reply.playback.received_ns if reply is not None and reply.playback.finished else None

    def quiet_ns(self, now: int) -> int | None:
        """When all that is known of has been heard; None while more is to come."""
        if any(
            not reply.is_over and reply.playback.flushed_at_ns is None for reply in self._replies.values()
        ):
            return None
        return max(now, self._player.busy_until_ns())

    def audible_pieces(self, start_ns: int, end_ns: int) -> list[Stretch]:
        """Stretches within a time in which the agent was audible."""
        return [
            Stretch(max(piece.start_ns, start_ns), min(piece.end_ns, end_ns))
            for reply in self._replies.values()
            for piece in reply.audible_pieces()
            if piece.start_ns < end_ns and piece.end_ns > start_ns
        ]

    def forget_all_but(self, needed: set[str], now: int) -> None:
        """Drop the replies that have been heard out and that nobody will ask for."""
        for response_id, reply in list(self._replies.items()):
            if response_id not in needed and reply.is_over and reply.is_silent(now):
                self._player.forget(response_id)
                del self._replies[response_id], self._ears[response_id]

    def _ear(self, event: AudioDelta, now: int) -> Ear:
        ear = self._ears.get(event.response_id)
        if ear is None:
            closely = self._closely or now < self.caller_until_ns
            ear = self._ears[event.response_id] = Ear(self._format.rate_hz, closely=closely)
        ear.attend(event.item_id)
        return ear

    def _add(self, event: AudioDelta, duration_ns: int, now: int) -> Reply:
        playback = self._player.add(event.response_id, duration_ns, now)
        reply = self._replies.get(event.response_id)
        if reply is None:
            reply = self._replies[event.response_id] = Reply(event.response_id, playback)
            reply.is_over = event.response_id in self._ended
            reply.items.append(SpokenItem(event.item_id, 0))
        return reply


class Ear:
    """Listens to one reply: for the first sound of each item, and for all sound where asked to."""

    def __init__(self, rate_hz: int, *, closely: bool) -> None:
        self._rate_hz = rate_hz
        self._item_id: str | None = None
        self._first = AudibilityDetector(self._rate_hz)
        self._all = AudibleSpans(self._rate_hz) if closely else None

    @property
    def listens(self) -> bool:
        """Whether the next audio has to be decoded."""
        return self._all is not None or not self._first.finished

    def attend(self, item_id: str) -> None:
        """The next audio is this item's."""
        if item_id != self._item_id:
            self._item_id = item_id
            self._first = AudibilityDetector(self._rate_hz)

    def hear(self, samples: pcm.Samples, reply: Reply) -> None:
        item = reply.items[-1]
        self._first.feed(samples)
        if item.first_sound_ns is None and self._first.first_audible_sample is not None:
            item.first_sound_ns = item.media_ns + self._ns(self._first.first_audible_sample)
        if self._all is not None:
            self._note(self._all.feed(samples), reply)
            begun = self._all.open_start
            reply.sounding_since_ns = None if begun is None else max(self._ns(begun), _known_until_ns(reply))

    def finish(self, reply: Reply) -> None:
        if self._all is not None:
            self._note(self._all.finish(), reply)
            reply.sounding_since_ns = None

    def _note(self, spans: list[AudibleSpan], reply: Reply) -> None:
        """Spans of sound that goes on behind the end of a response overlap by the length of a window."""
        for span in spans:
            start_ns = max(self._ns(span.start), _known_until_ns(reply))
            reply.sounds.append(Stretch(start_ns, self._ns(span.end)))

    def _ns(self, sample: int) -> int:
        return sample * NS_PER_S // self._rate_hz


def _known_until_ns(reply: Reply) -> int:
    """Media position up to which the reply's sounds are known."""
    return reply.sounds[-1].end_ns if reply.sounds else 0
