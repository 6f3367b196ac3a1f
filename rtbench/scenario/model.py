"""A scenario: who calls, how many, what they say, and what the run is judged by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from rtbench.core.codec import CODECS, AudioCodec
from rtbench.core.errors import UsageError
from rtbench.core.script import InterruptionPolicy
from rtbench.scenario.block import Block
from rtbench.scenario.drop import RandomDrops, Storm
from rtbench.scenario.duration import Duration, DurationRange
from rtbench.scenario.fault import KeyPath, fault, shown
from rtbench.scenario.network import NetworkField
from rtbench.scenario.order import check_order, check_turn_taking
from rtbench.scenario.reconnect import Reconnect
from rtbench.scenario.session import Session
from rtbench.scenario.shape import Shape
from rtbench.scenario.source import Source, written_path
from rtbench.scenario.steps import Choose, Repeat, Step
from rtbench.scenario.threshold import Thresholds
from rtbench.scenario.transport import (
    DEFAULT_PREBUFFER_MS,
    WEBRTC_FRAME_MS,
    CodecName,
    ControlName,
    Grid,
    NetworkAlertBlock,
    OfferName,
    TransportName,
    check_grid,
)

MOST_STEPS = 10_000
"""Of one conversation with its groups expanded: an hour's call, the API's longest, needs about 2,000."""

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]*$"


def _checked_name(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN.removesuffix("$"), name):
        raise fault(f"must be made of letters, digits, _ and -, not {shown(name)}")
    return name


class Player(Block):
    """The caller's loudspeaker."""

    prebuffer: Duration | None = None
    """Audio gathered before playing starts or resumes; real clients keep some to ride out jitter.

    Over WebRTC the depth of the jitter buffer. By default 0 ms over a WebSocket, 40 ms over WebRTC.
    """


class Record(Block):
    """What is kept of the conversations beyond instants; off unless asked for, as it is private."""

    audio: bool = False
    """Keep the agents' audio of the worst turns."""

    transcripts: bool = False
    """Keep what was said, as text."""


class Scenario(Block):
    """A load test: one kind of conversation, held by many callers at once."""

    name: Annotated[
        str, Field(max_length=64, json_schema_extra={"pattern": NAME_PATTERN}), AfterValidator(_checked_name)
    ]
    """Name in reports and of the run's folder: letters, digits, _ and -."""

    description: str = ""
    """What the scenario is for."""

    corpus: str = Field(default="english", min_length=1)
    """Corpus of the clips: a name under corpora/, or a folder, relative to this file."""

    session: Session = Session()
    """Configuration of every session."""

    transport: TransportName = "websocket"
    """How the calls are held."""

    codec: CodecName = "opus"
    """Codec of the audio over WebRTC; over a WebSocket the session's formats say it."""

    control: ControlName = "channel"
    """What the events of a WebRTC call go over: its data channel, or a WebSocket that joins the call (sideband)."""

    webrtc_filter: bool = False
    """Over WebRTC: ask for few events on the data channel (Azure's `webrtcfilter=on`). What then is not told is not
    measured, unless a sideband tells it."""

    webrtc_offer: OfferName = "raw"
    """How a WebRTC call is asked for: raw (an ephemeral key that knows the session, then the offer alone) or multipart
    (offer and session together, with the key itself, as a server calls for its clients)."""

    network_alert: NetworkAlertBlock = NetworkAlertBlock()
    """When a call's network counts as degraded, over WebRTC."""

    conversation: list[Step] = Field(min_length=1)
    """What one caller does, step by step."""

    policy: InterruptionPolicy = "flush_on_speech_started"
    """What the caller's application does when the service hears the caller speak into an answer.

    flush_on_speech_started stops playing, truncates the answer to what was heard, and cancels it where
    the service does not do so by itself; passive plays on.
    """

    users: int = Field(default=1, ge=1)
    """Callers at the same time."""

    spawn_rate: float = Field(default=1.0, gt=0)
    """New callers per second until all are there."""

    duration: Duration | None = None
    """How long the run lasts; callers call again until then. Excludes iterations."""

    iterations: int | None = Field(default=None, ge=1)
    """Conversations of each caller; 1 where neither this nor duration is given."""

    shape: Shape | None = None
    """How the load grows and falls, or when calls come; in place of users, spawn_rate, duration and iterations."""

    think_time: DurationRange = DurationRange.parse("500 ms")
    """The caller's pause before the next utterance when the agent has finished."""

    between_calls: DurationRange = DurationRange.parse("1 s")
    """Pause between two conversations of a caller."""

    player: Player = Player()
    """How the caller hears the answers."""

    frame: Duration = Duration.parse("40 ms")
    """Length of the audio frames sent: 10 to 200 ms in steps of 10. Over WebRTC 20 ms, and no other."""

    answer_timeout: Duration = Duration.parse("15 s")
    """How long a caller waits for an answer to become audible before the turn counts as unanswered."""

    stop_timeout: Duration = Duration.parse("60 s")
    """How long callers may take to end their turns when the run is over."""

    reconnect: Reconnect | None = None
    """What a caller does when the connection goes away: {attempts, base, factor, ...}; {} for the defaults. Without it the
    first loss is the end of the call."""

    drops: RandomDrops | None = None
    """Connections that break at random: {every, how}."""

    storm: Storm | None = None
    """Many connections broken at one instant: {share, at, every, how}."""

    network: NetworkField = None
    """The network between the callers and the service: wifi, 4g, 3g, satellite, congested, train, or {preset, delay,
    jitter, loss, ...}."""

    seed: int = Field(default=1, ge=0)
    """Everything that is drawn comes from it: the same seed makes the same conversations."""

    thresholds: Thresholds = ()
    """What the run must meet: metric -> {statistic: "< limit"}; the limit in the metric's unit."""

    sweep: Grid | None = None
    """What `rtbench sweep` varies where its command line names nothing: lists of values by dotted key, or the points."""

    record: Record = Record()
    """What is kept beyond instants."""

    emulator: dict[str, Any] = Field(default_factory=dict)
    """Settings of the embedded emulator for this scenario, over its profile; other targets ignore them."""

    _source: Source | None = PrivateAttr(default=None)

    @field_validator("duration", "answer_timeout")
    @classmethod
    def _takes_time(cls, duration: Duration | None) -> Duration | None:
        if duration is not None and duration.ns == 0:
            raise fault("must be longer than 0")
        return duration

    @field_validator("frame")
    @classmethod
    def _whole_frames(cls, frame: Duration) -> Duration:
        if not 10 <= frame.ms <= 200 or frame.ms % 10:
            raise fault(f"must be 10 ms to 200 ms in steps of 10 ms, not {frame}")
        return frame

    @field_validator("conversation")
    @classmethod
    def _bounded(cls, steps: list[Step]) -> list[Step]:
        count = longest(steps)
        if count > MOST_STEPS:
            raise fault(f"has up to {count} steps when its groups are expanded; the most is {MOST_STEPS}")
        check_order(steps)
        return steps

    @field_validator("sweep")
    @classmethod
    def _has_points(cls, grid: Grid | None) -> Grid | None:
        return check_grid(grid)

    @model_validator(mode="after")
    def _suits_the_transport(self) -> Scenario:
        if self.transport == "webrtc":
            if "frame" in self.model_fields_set and self.frame.ms != WEBRTC_FRAME_MS:
                raise fault(f"a frame over WebRTC is {WEBRTC_FRAME_MS} ms, not {self.frame}", "frame")
            for name in ("input_format", "output_format"):
                if getattr(self.session, name) is not None:
                    raise fault("over WebRTC the key `codec` says how audio is coded", "session", name)
        elif self.webrtc_filter:
            raise fault("is a filter of WebRTC calls; set transport: webrtc", "webrtc_filter")
        elif self.control == "sideband":
            raise fault("a sideband joins a WebRTC call; set transport: webrtc", "control")
        elif self.webrtc_offer != "raw":
            raise fault("is how a WebRTC call is asked for; set transport: webrtc", "webrtc_offer")
        if self.is_filtered and self.session.tools:
            raise fault("lets no tool call through; set control: sideband", "webrtc_filter")
        return self

    @model_validator(mode="after")
    def _ends_one_way(self) -> Scenario:
        if self.duration is not None and self.iterations is not None:
            raise fault("give duration or iterations, not both", "iterations")
        if self.shape is not None and (self.duration is not None or self.iterations is not None):
            other = "iterations" if self.iterations is not None else "duration"
            raise fault(f"the shape says how long the run lasts; leave {other} out", other)
        return self

    @model_validator(mode="after")
    def _suits_the_session(self) -> Scenario:
        check_turn_taking(self.conversation, self.session.manual_turns)
        return self

    @property
    def iterations_per_user(self) -> int | None:
        """Conversations of each caller; None where the duration or the shape ends the run."""
        return None if self.duration is not None or self.shape is not None else self.iterations or 1

    @property
    def models(self) -> tuple[str, ...]:
        """The session's model, and the one that callers fall back to where that is another."""
        other = self.reconnect.fall_back_model if self.reconnect is not None else ""
        return (self.session.model, other) if other else (self.session.model,)

    @property
    def frame_ms(self) -> int:
        """Length of the frames or packets that the microphone sends."""
        return WEBRTC_FRAME_MS if self.transport == "webrtc" else int(self.frame.ms)

    @property
    def prebuffer_ns(self) -> int:
        """What the player gathers before it plays."""
        written = self.player.prebuffer
        return DEFAULT_PREBUFFER_MS[self.transport] * 1_000_000 if written is None else written.ns

    @property
    def media_codec(self) -> AudioCodec | None:
        """The codec over WebRTC; None over a WebSocket."""
        return CODECS[self.codec] if self.transport == "webrtc" else None

    @property
    def is_filtered(self) -> bool:
        """A caller is told few events."""
        return self.webrtc_filter and self.control == "channel"

    def held_over(self, transport: TransportName | None, codec: CodecName | None = None) -> Scenario:
        """The same conversations over another transport or in another codec; None leaves it as it is written.

        Raises UsageError where the scenario does not go with it. A frame is no obstacle: WebRTC has its own.
        """
        over = transport or self.transport
        if over == "webrtc":
            for name in ("input_format", "output_format"):
                if getattr(self.session, name) is not None:
                    raise self.error(("session", name), "over WebRTC the key `codec` says how audio is coded")
        elif codec is not None:
            raise self.error(("transport",), f"codec {codec} is for calls over WebRTC, not over a WebSocket")
        elif self.control == "sideband":
            raise self.error(("control",), "a sideband joins a WebRTC call, and a WebSocket is none")
        elif self.webrtc_filter:
            raise self.error(("webrtc_filter",), "is a filter of WebRTC calls, and a WebSocket is none")
        elif self.webrtc_offer != "raw":
            raise self.error(("webrtc_offer",), "is how a WebRTC call is asked for, and a WebSocket is none")
        changed = {"transport": transport, "codec": codec}
        copy = self.model_copy(update={key: value for key, value in changed.items() if value is not None})
        copy._source = self._source
        return copy

    @property
    def source(self) -> Source | None:
        """The file that it was read from, if any."""
        return self._source

    def read_from(self, source: Source) -> Scenario:
        """The same scenario, which now names file and line in its errors."""
        copy = self.model_copy()
        copy._source = source
        return copy

    def error(self, keys: KeyPath, sentence: str) -> UsageError:
        """An error about one of the scenario's keys, naming file and line where it was read from a file."""
        where = self._source.where(keys) if self._source else f"scenario '{self.name}': {written_path(keys)}"
        return UsageError(f"{where}: {sentence}")


def longest(steps: Iterable[Step]) -> int:
    """Most steps that a conversation can have, with its groups expanded."""
    count = 0
    for step in steps:
        match step:
            case Repeat(repeat=group):
                count += group.times * longest(group.steps)
            case Choose(choose=branches):
                count += max(longest(branch.steps) for branch in branches)
            case _:
                count += 1
    return count
