"""The playout buffer: what a service that plays by itself has generated, played out in real time.

Answers are played one after the other, without a gap as long as there is something to play. The
shell sends the packets; from the instants alone this machine knows what has left, and tells of it
by `output_audio_buffer.started`, `.stopped` and `.cleared` (API reference, "WebRTC/SIP only").
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from rtbench.core.codec import PACKET_MS
from rtbench.core.server_events import OutputAudioCleared, OutputAudioStarted, OutputAudioStopped
from rtbench.emulator.answer import Answer
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import Cleared
from rtbench.emulator.plan import Beat
from rtbench.emulator.voice import Packets

PACKET_NS = PACKET_MS * 1_000_000


@dataclass(frozen=True, slots=True)
class SpeakPackets:
    """For the shell: send these, the first at `at_ns`, each of the others 20 ms after the one before."""

    response_id: str
    packets: Packets
    at_ns: int


@dataclass(frozen=True, slots=True)
class FallSilent:
    """For the shell: send nothing that was to be sent at `at_ns` or later."""

    at_ns: int


@dataclass(slots=True)
class _Speech:
    """One response in the buffer."""

    response_id: str
    item_id: str
    stretches: list[tuple[int, int]] = field(default_factory=list)
    """Where its audio lies on the clock; more than one where the buffer ran dry."""

    started: bool = False
    done: bool = False

    @property
    def end_ns(self) -> int:
        return self.stretches[-1][1]

    def played_ns(self, until_ns: int) -> int:
        return sum(max(0, min(end, until_ns) - start) for start, end in self.stretches)


class PlayoutBuffer:
    """The output of a session over WebRTC (see `output.Output`)."""

    plays = True

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._speeches: deque[_Speech] = deque()
        self._free_ns = 0
        """When all that was given so far has been played."""

    def give(self, response_id: str, answer: Answer, beat: Beat) -> None:
        assert isinstance(beat.audio, tuple)
        at_ns = max(beat.due_ns, self._free_ns)
        speech = self._speech(response_id, answer.item_id)
        end_ns = at_ns + beat.duration_ns
        if speech.stretches and speech.end_ns == at_ns:
            speech.stretches[-1] = (speech.stretches[-1][0], end_ns)
        else:
            speech.stretches.append((at_ns, end_ns))
        self._free_ns = end_ns
        self._outbox.put(at_ns, SpeakPackets(response_id, beat.audio, at_ns))

    def response_done(self, response_id: str) -> None:
        for speech in self._speeches:
            if speech.response_id == response_id:
                speech.done = True

    def heard_out_ns(self, response_id: str, estimate_ns: int) -> int:
        """An answer without audio was heard out when it was written."""
        return next((s.end_ns for s in self._speeches if s.response_id == response_id), 0)

    def holds(self, response_id: str) -> bool:
        return any(speech.response_id == response_id for speech in self._speeches)

    def clear(self, now: int, stale_ns: int = 0) -> list[Cleared]:
        """What of an answer was played is counted in whole packets: one that has left will be heard."""
        if not self._speeches:
            return []
        silent_ns = now + stale_ns
        self._outbox.put(now, FallSilent(silent_ns))
        cleared = []
        for speech in self._speeches:
            played_ns, heard_ns = (_whole_packets(speech, until) for until in (now, silent_ns))
            if speech.started:
                self._outbox.put(now, OutputAudioCleared(response_id=speech.response_id))
            stale_ms = (heard_ns - played_ns) / 1e6
            cleared.append(Cleared(speech.response_id, speech.item_id, played_ns / 1e6, stale_ms))
        self._speeches.clear()
        self._free_ns = min(self._free_ns, silent_ns)
        return cleared

    def refuse_clear(self) -> None:
        """Clients may clear it at any time."""

    def wake(self, now: int) -> None:
        while self._speeches:
            speech = self._speeches[0]
            start_ns = speech.stretches[0][0]
            if not speech.started and start_ns <= now:
                speech.started = True
                self._outbox.put(start_ns, OutputAudioStarted(response_id=speech.response_id))
            if not speech.done or speech.end_ns > now:
                return
            self._outbox.put(speech.end_ns, OutputAudioStopped(response_id=speech.response_id))
            self._speeches.popleft()

    def next_wake(self) -> int | None:
        if not self._speeches:
            return None
        speech = self._speeches[0]
        if not speech.started:
            return speech.stretches[0][0]
        return speech.end_ns if speech.done else None

    def _speech(self, response_id: str, item_id: str) -> _Speech:
        for speech in self._speeches:
            if speech.response_id == response_id:
                return speech
        speech = _Speech(response_id, item_id)
        self._speeches.append(speech)
        return speech


def _whole_packets(speech: _Speech, until_ns: int) -> int:
    """Playing time of the packets of a speech that leave before `until_ns`."""
    played_ns = speech.played_ns(until_ns)
    whole_ns = -(-played_ns // PACKET_NS) * PACKET_NS
    return min(whole_ns, sum(end - start for start, end in speech.stretches))
