"""A profile: how the emulated service behaves, validated.

A profile is a YAML file (see `profile_file`); every key has a default. Durations are written with
their unit, delays as `delays` describes.
"""

from __future__ import annotations

import random
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from rtbench.core.vad import MIN_SPEECH_MS
from rtbench.emulator.breakdown import Restart
from rtbench.emulator.capacity import Capacity
from rtbench.emulator.delays import ZERO, Constant, Delay, parse_delay
from rtbench.emulator.faults import parse_faults
from rtbench.emulator.recall import Fact
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import fault, shown

BURST = "burst"

DelayField = Annotated[Any, BeforeValidator(parse_delay)]


def _parse_pace(written: Any) -> float | None:
    if written is None or written == BURST:
        return None
    text = written.strip() if isinstance(written, str) else ""
    try:
        pace = float(text.removesuffix("x")) if text.endswith("x") else -1.0
    except ValueError:
        pace = -1.0
    if not 0.1 <= pace <= 1000:
        raise fault(
            f"must be a multiple of real time such as '2x', 0.1x to 1000x, or 'burst', not {shown(written)}"
        )
    return pace


def _as_tuple(written: Any) -> Any:
    return tuple(written) if isinstance(written, list) else written


class Profile(Block):
    """The service's own behaviour; what clients set in their sessions is not part of it."""

    response_delay: DelayField = Constant(300.0)
    """From the decision that the user's turn is over to the first audio of the answer."""

    leading_silence: DelayField = ZERO
    """Silence put before each spoken answer; drawn to whole milliseconds."""

    chunk: Duration = Duration.parse("100 ms")
    """Audio per delta: 10 ms to 1 s, in whole milliseconds."""

    pace: Annotated[Any, BeforeValidator(_parse_pace)] = 2.0
    """How fast audio is sent, as a multiple of real time (`2x`), or all at once (`burst`)."""

    jitter: DelayField = ZERO
    """Lateness of each delta after the first; a delta never overtakes another."""

    rtp: Literal["spurts", "continuous"] = "spurts"
    """What is sent between answers over WebRTC: nothing, or packets of silence without end."""

    transcription_delay: DelayField = Constant(200.0)
    """From a commit to the user's words."""

    min_speech: Duration = Duration(int(MIN_SPEECH_MS * 1_000_000))
    """Shorter sounds do not count as speech."""

    semantic_error_rate: float = Field(default=0.0, ge=0, le=1)
    """Share of the pauses that `semantic_vad` judges wrongly: a hold for the end, or the end for a hold."""

    faults: Annotated[Any, BeforeValidator(parse_faults)] = Field(default_factory=dict)
    """What the service does wrong (see `faults`)."""

    capacity: Capacity | None = None
    """How much it holds at a time; None: whatever comes."""

    restart: Restart | None = None
    """Restarts of the whole service, on schedule (see `breakdown`)."""

    session_limit: Duration = Duration.parse("60 min")
    """When a session is ended; the real service does so after 60 minutes."""

    recall: Annotated[tuple[Fact, ...], BeforeValidator(_as_tuple)] = ()
    """Facts that the service remembers while a session lasts (see `recall`)."""

    replies: tuple[str, ...] = ()
    """Clips to answer with; all of the corpus's replies where none is named."""

    seed: int = Field(default=1, ge=0)
    """All that is drawn comes from it and the session's number: the same calls get the same delays."""

    @field_validator("replies", mode="before")
    @classmethod
    def _list_as_tuple(cls, written: Any) -> Any:
        return tuple(written) if isinstance(written, list) else written

    @field_validator("chunk")
    @classmethod
    def _whole_chunks(cls, chunk: Duration) -> Duration:
        if not 10 <= chunk.ms <= 1000 or chunk.ms % 1:
            raise fault(f"must be 10 ms to 1 s in whole milliseconds, not {chunk}")
        return chunk

    @field_validator("min_speech")
    @classmethod
    def _plausible_speech(cls, shortest: Duration) -> Duration:
        if shortest.ms > 2000:
            raise fault(f"must be 2 s or less, not {shortest}")
        return shortest

    @field_validator("session_limit")
    @classmethod
    def _takes_time(cls, limit: Duration) -> Duration:
        if limit.ns == 0:
            raise fault("must be longer than 0")
        return limit

    @property
    def chunk_ms(self) -> int:
        return int(self.chunk.ms)

    def delay_ms(self, name: str, rng: random.Random) -> float:
        """One draw of the delay with this name."""
        delay: Delay = getattr(self, name)
        return delay.draw_ms(rng)
