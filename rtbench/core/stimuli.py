"""A stimulus as it was heard: one sound that the caller made into the agent's speech or silence, and what it did."""

from __future__ import annotations

from dataclasses import dataclass

EFFECT_LIMIT_NS = 2_000_000_000
"""What comes later than this after a sound is not its effect: no rate counts it."""


@dataclass(slots=True)
class Stimulus:
    """An interruption, which is to take the turn, or a disturbance, which is not.

    All `_ns` fields are instants on the engine's monotonic clock, None for what did not happen.
    """

    number: int
    """Of this session's stimuli, from 1."""

    turn: int
    """Number of the turn whose answer it fell into, or that was the last before it."""

    kind: str
    """interrupt, overlap; backchannel, cough, noise, side_talk, click, tone; silence."""

    clip: str
    voice: str = ""
    policy: str = ""
    takes_turn: bool = False

    response_id: str = ""
    """The answer that was being heard at the onset; empty where the agent was silent."""

    item_id: str = ""

    onset_ns: int = 0
    """First sample of the sound due."""

    end_ns: int = 0
    """Last sample of the sound due."""

    unheard_ms: float = 0.0
    """Audio of the answer that was not heard at the onset, whether it had arrived by then or came later."""

    was_producing: bool = False
    """The service was still producing the answer at the onset: how much was to come cannot be known."""

    speech_started_ns: int | None = None
    """First `speech_started` after the onset."""

    flushed_ns: int | None = None
    """When the caller's application emptied its player."""

    cancel_sent_ns: int | None = None
    """The application's own `response.cancel`."""

    cancelled_ns: int | None = None
    """Arrival of the `response.done` that says so, or over WebRTC of `output_audio_buffer.cleared` where that came first."""

    last_audio_ns: int | None = None
    """Arrival of the last audio of the interrupted answer."""

    silent_ns: int | None = None
    """When the player went, and stayed, silent of the interrupted answer."""

    stale_audio_ms: float = 0.0
    """Audio of the interrupted answer received after its cancellation."""

    stale_heard_ms: float = 0.0
    """How much of that became audible."""

    truncate_sent_ns: int | None = None
    truncate_audio_end_ms: int | None = None
    """What the application said was heard of the item; over WebRTC what the service said."""

    truncate_heard_ms: float | None = None
    """What was really heard of it."""

    truncated_ns: int | None = None
    """Arrival of the service's `conversation.item.truncated`."""

    truncate_error: str = ""
    """The service's refusal, by code."""

    answer_created_ns: int | None = None
    """First `response.created` after the onset."""

    answer_audible_ns: int | None = None
    """First audible sample of that answer leaves the player."""

    resumed_ns: int | None = None
    """The agent was audible again, with whatever answer, after it had fallen silent."""

    closed_ns: int = 0
    """Until when effects were watched for: the next sound of the caller's, or the end of all."""

    @property
    def measured_until_ns(self) -> int:
        """The last instant that a figure of the stimulus rests upon, its having had no effect among them."""
        signs = (
            self.speech_started_ns,
            self.flushed_ns,
            self.cancelled_ns,
            self.last_audio_ns,
            self.silent_ns,
            self.truncated_ns,
            self.answer_audible_ns,
            self.resumed_ns,
        )
        seen_ns = [sign for sign in signs if sign is not None]
        return min(self.closed_ns, max(self.end_ns + EFFECT_LIMIT_NS, *seen_ns, 0))

    @property
    def is_disturbance(self) -> bool:
        """A sound that the agent should ignore."""
        return not self.takes_turn and self.kind != "silence"
