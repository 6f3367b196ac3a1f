"""A response's plan: what will be said, in which pieces, and when each is due; all that is random is drawn here."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rtbench.core.audio import Audio
from rtbench.core.client_events import Json
from rtbench.emulator import usage
from rtbench.emulator.profile import Profile
from rtbench.emulator.recording import Recording
from rtbench.emulator.response_request import ResponseRequest
from rtbench.emulator.tool_call import sample_arguments
from rtbench.emulator.voice import Packets, Speech

ARGUMENT_PIECE_CHARS = 16
"""Length of the pieces in which a call's arguments are sent: a few tokens."""

NS_PER_MS = 1_000_000


class Beat(NamedTuple):
    """One piece of an answer: its words, its audio, or both."""

    due_ns: int
    text: str
    audio: Audio | Packets | None = None
    duration_ns: int = 0


class _Piece(NamedTuple):
    text: str
    audio: Audio | Packets | None = None
    duration_ns: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole answer. Instants are on the session's clock."""

    beats: Sequence[Beat]
    first_ns: int
    """When the first beat is due, if there is any."""

    cut: bool
    """`max_output_tokens` ends it before its time."""

    response_delay_ms: float
    leading_silence_ms: int = 0
    audible_offset_ms: float | None = None
    reply: str = ""
    """Name of the clip that is said."""

    refused: bool = False
    """There is no place for it: nothing is said, and the response fails."""

    @property
    def last_ns(self) -> int:
        """When the last beat is due."""
        return self.beats[-1].due_ns if self.beats else self.first_ns

    def later(self, wait_ns: int) -> Plan:
        """The same answer, begun so much later."""
        if not wait_ns:
            return self
        beats = [beat._replace(due_ns=beat.due_ns + wait_ns) for beat in self.beats]
        return replace(self, beats=beats, first_ns=self.first_ns + wait_ns)

    def refusal(self, now: int) -> Plan:
        """No answer, at once."""
        return replace(self, beats=(), first_ns=now, audible_offset_ms=None, refused=True)


def make_plan(
    request: ResponseRequest,
    voice: Speech,
    profile: Profile,
    rng: random.Random,
    now: int,
    late_ms: float = 0.0,
) -> Plan:
    """Plan an answer to a request that came at `now`, to begin `late_ms` after the delay that is drawn for it."""
    delay_ms = profile.delay_ms("response_delay", rng) + late_ms
    first_ns = now + round(delay_ms * NS_PER_MS)
    reply = _reply(request, voice, profile, rng)
    lead_ms, offset_ms = 0, None
    if request.function is not None:
        pieces = _argument_pieces(request.function)
    elif request.modality == "text":
        pieces = _word_pieces(reply.text)
    else:
        lead_ms = voice.whole_ms(profile.delay_ms("leading_silence", rng))
        said = (*voice.silence(request.format, lead_ms), *voice.chunks(reply, request.format))
        pieces = [_Piece(chunk.text, chunk.audio, chunk.duration_ns) for chunk in said]
        offset_ms = voice.audible_offset_ms(reply, request.format, lead_ms)
    kept = _within(pieces, request.max_output_tokens)
    return Plan(
        beats=_timed(kept, first_ns, profile, rng),
        first_ns=first_ns,
        cut=len(kept) < len(pieces),
        response_delay_ms=delay_ms,
        leading_silence_ms=lead_ms,
        audible_offset_ms=offset_ms,
        reply=reply.name if request.function is None else "",
    )


def _reply(request: ResponseRequest, voice: Speech, profile: Profile, rng: random.Random) -> Recording:
    """The clip that was asked for, else any that is not kept for answers to facts."""
    kept = {name for fact in profile.recall for name in (fact.knows, fact.forgets)}
    free = [reply for reply in voice.replies if reply.name not in kept] if kept else voice.replies
    drawn = rng.choice(free or voice.replies)
    return next((reply for reply in voice.replies if reply.name == request.reply), drawn)


def _argument_pieces(function: Json) -> list[_Piece]:
    text = json.dumps(sample_arguments(function))
    return [_Piece(text[at : at + ARGUMENT_PIECE_CHARS]) for at in range(0, len(text), ARGUMENT_PIECE_CHARS)]


def _word_pieces(text: str) -> list[_Piece]:
    words = text.split()
    return [_Piece(word if index == 0 else f" {word}") for index, word in enumerate(words)]


def _within(pieces: Sequence[_Piece], max_tokens: int | None) -> Sequence[_Piece]:
    """As many of the first pieces as so many tokens pay for."""
    if max_tokens is None:
        return pieces
    text, audio_ns = "", 0
    for count, piece in enumerate(pieces):
        text += piece.text
        audio_ns += piece.duration_ns
        if usage.text_tokens(text) + usage.assistant_audio_tokens(audio_ns / NS_PER_MS) > max_tokens:
            return pieces[:count]
    return pieces


def _timed(pieces: Sequence[_Piece], first_ns: int, profile: Profile, rng: random.Random) -> list[Beat]:
    """Pieces on the profile's schedule: in order, the first one exactly when it is due.

    A piece of text alone takes as long as a chunk of audio.
    """
    beats: list[Beat] = []
    nominal_ns, due_ns = float(first_ns), first_ns
    for index, piece in enumerate(pieces):
        if index:
            jitter_ns = profile.delay_ms("jitter", rng) * NS_PER_MS
            due_ns = max(due_ns, round(nominal_ns + jitter_ns))
        beats.append(Beat(due_ns, *piece))
        if profile.pace is not None:
            nominal_ns += (piece.duration_ns or profile.chunk.ns) / profile.pace
    return beats
