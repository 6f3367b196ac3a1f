"""The session block: what the caller configures, in the GA API's own names.

What the API nests under `audio.input` and `audio.output` is written flat here, as each name is
unique but for the two formats. Only what is written is sent, so the service's defaults hold for
the rest. Source: the GA session object (RealtimeSessionCreateRequest of the API reference).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator

from rtbench.core.audio import AUDIO_FORMATS, PCM16, AudioFormat
from rtbench.core.codec import AudioCodec
from rtbench.core.script import SessionConfig
from rtbench.scenario.block import Block, scalar_or_mapping
from rtbench.scenario.fault import fault
from rtbench.scenario.tools import ToolChoice, Tools
from rtbench.scenario.turn_detection import TurnDetection

FormatName = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

_NESTED = {
    "input_format": ("audio", "input", "format"),
    "noise_reduction": ("audio", "input", "noise_reduction"),
    "transcription": ("audio", "input", "transcription"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "output_format": ("audio", "output", "format"),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
}
"""Where the API keeps what is not at the top of its session object."""


_FORMATS = frozenset({"input_format", "output_format"})
"""Over WebRTC both sides agree on a codec in SDP instead."""


class VoiceId(Block):
    """A custom voice."""

    id: str
    """Identifier of the custom voice, `voice_...`."""


class Transcription(Block):
    """Transcription of the caller's audio by the service; it runs beside the model."""

    model: str | None = None
    """Transcription model, such as gpt-4o-mini-transcribe."""

    language: str | None = None
    """Language of the speech, ISO-639-1."""

    languages: list[str] | None = None
    """Possible languages of the speech, ISO-639-1."""

    prompt: str | None = None
    """Text that guides the transcription."""

    keywords: list[str] | None = None
    """Words that guide the transcription."""

    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None
    """How long the model waits before it emits text."""


class NoiseReduction(Block):
    """Filtering of the caller's audio before turn detection and model."""

    type: Literal["near_field", "far_field"] | None = None
    """near_field for headsets, far_field for laptops and conference rooms."""

    strength: float | None = None
    """Strength of the suppression; the API's default is 1."""


class Reasoning(Block):
    """Reasoning of the models that have it."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"]
    """How much the model reasons before it answers."""


class Prompt(Block):
    """A stored prompt template."""

    id: str
    """Identifier of the template."""

    version: str | None = None
    """Version of the template."""

    variables: dict[str, Any] | None = None
    """Values for the template's variables."""


class Tracing(Block):
    """Traces that the service writes to its dashboard."""

    workflow_name: str | None = None
    """Name of the trace."""

    group_id: str | None = None
    """Group by which traces are filtered."""

    metadata: dict[str, Any] | None = None
    """Anything to attach to the trace."""


class TokenLimits(Block):
    """Limits of the truncation."""

    post_instructions: int = Field(ge=0)
    """Most tokens that the conversation may have after the instructions."""


class RetentionRatio(Block):
    """Truncation that keeps a share of the conversation."""

    type: Literal["retention_ratio"]
    """The kind of truncation."""

    retention_ratio: float = Field(ge=0, le=1)
    """Share of the tokens that is kept."""

    token_limits: TokenLimits | None = None
    """Limits in place of the model's."""


def _tokens(written: Any) -> Any:
    if written == "inf" or (type(written) is int and 1 <= written <= 4096):
        return written
    raise ValueError("must be a whole number from 1 to 4096, or inf")


MaxOutputTokens = Annotated[int | Literal["inf"], BeforeValidator(_tokens)]


class Session(Block):
    """The configuration of every session of the run."""

    model_config = ConfigDict(protected_namespaces=())

    model: str = Field(default="gpt-realtime", min_length=1)
    """Realtime model. Chosen when connecting, and never part of `session.update`, as it cannot change."""

    instructions: str | None = None
    """System instructions of the model."""

    output_modalities: list[Literal["audio", "text"]] | None = None
    """[audio] for spoken answers with their transcript, or [text]; never both."""

    max_output_tokens: MaxOutputTokens | None = None
    """Most tokens of one answer, 1 to 4096, or inf."""

    voice: (
        Annotated[
            Annotated[str, Tag("scalar")] | Annotated[VoiceId, Tag("mapping")],
            Discriminator(scalar_or_mapping),
        ]
        | None
    ) = None
    """Voice of the answers: a name, or {id} of a custom voice."""

    speed: float | None = Field(default=None, ge=0.25, le=1.5)
    """Speed of the spoken answers; 1 is the normal speed."""

    turn_detection: TurnDetection = None
    """How the service finds the end of a turn; null or none: the caller commits, and asks for each answer."""

    input_format: FormatName | None = None
    """Format of the caller's audio; audio/pcm is 24 kHz, the other two are G.711 at 8 kHz."""

    output_format: FormatName | None = None
    """Format of the answers' audio."""

    transcription: Transcription | None = None
    """Transcription of the caller's audio; null turns it off."""

    noise_reduction: NoiseReduction | None = None
    """Noise reduction of the caller's audio; null turns it off."""

    tools: Tools | None = None
    """Tools that the model may call, as the API takes them."""

    tool_choice: ToolChoice | None = None
    """auto, none, required, or the one tool to call."""

    parallel_tool_calls: bool | None = None
    """Whether the model may call several tools at once."""

    reasoning: Reasoning | None = None
    """Reasoning, for models that have it."""

    prompt: Prompt | None = None
    """A stored prompt template; null clears it."""

    tracing: (
        Annotated[
            Annotated[Literal["auto"], Tag("scalar")] | Annotated[Tracing, Tag("mapping")],
            Discriminator(scalar_or_mapping),
        ]
        | None
    ) = None
    """auto, or names for the service's trace; null turns it off."""

    truncation: (
        Annotated[
            Annotated[Literal["auto", "disabled"], Tag("scalar")] | Annotated[RetentionRatio, Tag("mapping")],
            Discriminator(scalar_or_mapping),
        ]
        | None
    ) = None
    """What happens when the conversation outgrows the context."""

    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    """More fields in the service's events."""

    @field_validator("output_modalities")
    @classmethod
    def _one_modality(cls, modalities: list[str] | None) -> list[str] | None:
        if modalities is not None and len(modalities) != 1:
            raise fault("must be [audio] or [text]: the API does not take both, nor none")
        return modalities

    @property
    def manual_turns(self) -> bool:
        """Turn detection is switched off, not only left to the service's default."""
        return "turn_detection" in self.model_fields_set and self.turn_detection is None

    @property
    def interrupts_by_itself(self) -> bool:
        """The service cancels its answer when it hears the caller; so it does by default."""
        if self.manual_turns:
            return False
        return self.turn_detection is None or self.turn_detection.interrupt_response is not False

    def config(self, codec: AudioCodec | None = None) -> SessionConfig:
        """The session as the caller's machine needs it; `codec` is that of its media, over WebRTC."""
        streamed = codec is not None
        media = (codec.fmt if codec is not None else None) or PCM16
        return SessionConfig(
            settings=self._settings(without=_FORMATS if streamed else frozenset()),
            input_format=media if streamed else _audio_format(self.input_format),
            output_format=media if streamed else _audio_format(self.output_format),
            interrupts_by_itself=self.interrupts_by_itself,
            manual_turns=self.manual_turns,
            spoken_answers=self.output_modalities != ["text"],
        )

    def _settings(self, without: Set[str]) -> dict[str, Any]:
        """The `session` object of `session.update`: `type`, and what the scenario sets."""
        written = self.model_dump(mode="json", exclude_unset=True, exclude={"model", *without})
        settings: dict[str, Any] = {"type": "realtime"}
        for name, value in written.items():
            *parents, key = _NESTED.get(name, (name,))
            block = settings
            for parent in parents:
                block = block.setdefault(parent, {})
            block[key] = _format_object(value) if key == "format" else value
        return settings


def _audio_format(name: str | None) -> AudioFormat:
    return PCM16 if name is None else AUDIO_FORMATS[name]


def _format_object(name: str) -> Mapping[str, Any]:
    """The API's format object; only PCM names its rate."""
    return {"type": name, "rate": PCM16.rate_hz} if name == PCM16.name else {"type": name}
