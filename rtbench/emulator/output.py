"""The output of a session: how the audio of its answers reaches the caller.

Over a WebSocket every piece is an event, and the caller plays it: `DeltaOutput`. Over WebRTC the
service plays by itself, in real time, what it has generated ahead: `playout.PlayoutBuffer`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rtbench.core.audio import Audio
from rtbench.core.response_events import AudioDelta
from rtbench.emulator.answer import Answer
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.plan import Beat
from rtbench.emulator.refusal import Refusal


class Cleared(NamedTuple):
    """An answer of which the rest was dropped before the caller heard it."""

    response_id: str
    item_id: str
    played_ms: float
    """Of its audio, as much as had been played."""

    stale_ms: float
    """Played after that all the same."""


class Output(Protocol):
    """Where a response puts its audio."""

    @property
    def plays(self) -> bool:
        """Whether the service knows what was heard, as it plays in real time itself."""

    def give(self, response_id: str, answer: Answer, beat: Beat) -> None:
        """The audio of one beat."""

    def response_done(self, response_id: str) -> None:
        """Nothing more will be given for this response."""

    def heard_out_ns(self, response_id: str, estimate_ns: int) -> int:
        """When the caller has heard all that was given.

        `estimate_ns` is when one has who plays in real time from the first delta on.
        """

    def holds(self, response_id: str) -> bool:
        """Whether audio of this response is still to be played by the service."""

    def clear(self, now: int, stale_ns: int = 0) -> list[Cleared]:
        """Drop what was not played; `stale_ns` of it are played all the same."""

    def refuse_clear(self) -> None:
        """Raises Refusal where a client has nothing to clear on this transport."""

    def wake(self, now: int) -> None:
        """Tell what has begun and what has ended to sound."""

    def next_wake(self) -> int | None:
        """When to call `wake`."""


class DeltaOutput:
    """Audio as `response.output_audio.delta` events, sent when they are due."""

    plays = False

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def give(self, response_id: str, answer: Answer, beat: Beat) -> None:
        assert isinstance(beat.audio, Audio)
        self._outbox.put(beat.due_ns, AudioDelta(**answer.part, delta=beat.audio))

    def response_done(self, response_id: str) -> None:
        """What was given has left."""

    def heard_out_ns(self, response_id: str, estimate_ns: int) -> int:
        return estimate_ns

    def holds(self, response_id: str) -> bool:
        return False

    def clear(self, now: int, stale_ns: int = 0) -> list[Cleared]:
        return []

    def refuse_clear(self) -> None:
        # The service holds no output buffer on a WebSocket: the client plays (API reference, "WebRTC/SIP only").
        message = "The output audio buffer can only be cleared on WebRTC and SIP connections."
        raise Refusal(message, code="invalid_value", param="type")

    def wake(self, now: int) -> None:
        """Nothing waits here."""

    def next_wake(self) -> int | None:
        return None
