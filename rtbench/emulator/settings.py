"""A session's settings: the GA session object with its defaults, merged with what clients set.

The JSON object is kept as the API shows it in `session.created` and `session.updated`; properties
give its parts as the machine uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.core.audio import AUDIO_FORMATS, AudioFormat
from rtbench.core.client_events import Json
from rtbench.emulator import parameters
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.tool_call import required_tool

INSTRUCTIONS = (
    "You are a friendly voice assistant. Answer in the language of the caller, briefly and in plain words."
)
VOICE = "marin"

SERVER_VAD: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: Json = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_DETECTION_DEFAULTS = {"server_vad": SERVER_VAD, "semantic_vad": SEMANTIC_VAD}

_LONGEST_WAIT_MS = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}
"""How long `semantic_vad` waits at most for the user to go on (API reference, `eagerness`)."""

_UNKNOWN_SPEECH_SILENCE_MS = {"low": 1_600, "medium": 800, "auto": 800, "high": 400}
"""Silence that ends a turn of `semantic_vad` whose words the emulator does not know: a fifth of the longest wait."""

_CLEARED: Json = {
    "instructions": "",
    "max_output_tokens": "inf",
    "tools": [],
    "tool_choice": "auto",
    "truncation": "auto",
}
"""What null makes of those settings that are never null themselves."""

_MERGED = ("noise_reduction", "transcription")
"""Objects of which an update may name some members only; turn detection is the third."""


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How turns are taken; None in its place means by hand."""

    threshold: float
    prefix_padding_ms: int
    silence_ms: int
    """Silence that ends a turn; for `semantic_vad`, one whose words are not known."""

    idle_timeout_ms: int | None
    create_response: bool
    interrupt_response: bool
    longest_wait_ms: int | None = None
    """Of `semantic_vad`, for a user who has not finished; None for `server_vad`."""


class Settings:
    """The settings in force; immutable, an update makes new ones."""

    def __init__(self, session: Json, line: AudioFormat | None = None) -> None:
        self.json = session
        self._line = line

    @classmethod
    def defaults(
        cls, *, session_id: str, model: str, expires_at: int, line: AudioFormat | None = None
    ) -> Settings:
        """A session before any update. `expires_at` is in Unix seconds.

        `line` is what the user's audio comes in where the transport has settled it, whatever the session says.
        """
        pcm = {"type": "audio/pcm", "rate": 24_000}
        return cls(
            {
                "type": "realtime",
                "object": "realtime.session",
                "id": session_id,
                "model": model,
                "expires_at": expires_at,
                "output_modalities": ["audio"],
                "instructions": INSTRUCTIONS,
                "tools": [],
                "tool_choice": "auto",
                "max_output_tokens": "inf",
                "tracing": None,
                "truncation": "auto",
                "prompt": None,
                "include": None,
                "audio": {
                    "input": {
                        "format": pcm,
                        "transcription": None,
                        "noise_reduction": None,
                        "turn_detection": SERVER_VAD,
                    },
                    "output": {"format": pcm, "voice": VOICE, "speed": 1.0},
                },
            },
            line,
        )

    def updated(self, update: Any, *, spoken: bool) -> Settings:
        """These settings with an update merged in; `spoken` tells whether the session has given audio out.

        Raises Refusal, with nothing applied, where any part of the update is not allowed.
        """
        parameters.SESSION(update, "session")
        self._refuse_frozen(update, spoken)
        merged = dict(self.json)
        for name, value in update.items():
            if name == "audio":
                merged["audio"] = _merged_audio(merged["audio"], value)
            else:
                merged[name] = _CLEARED.get(name) if value is None else value
        # A choice that no turn could obey is refused here, where somebody is told.
        required_tool(merged["tools"], merged["tool_choice"], "session.tool_choice")
        return Settings(merged, self._line)

    def _refuse_frozen(self, update: Json, spoken: bool) -> None:
        model = update.get("model", self.json["model"])
        if model != self.json["model"]:
            # That the model cannot be changed is documented, the error's code is not.
            raise Refusal(
                "Cannot update a session's model.", code="cannot_update_model", param="session.model"
            )
        output = update.get("audio", {}).get("output", {})
        if spoken and output.get("voice", self.voice) != self.voice:
            raise Refusal(
                "Cannot update a conversation's voice if assistant audio is present.",
                code="cannot_update_voice",
                param="session.audio.output.voice",
            )

    @property
    def input_format(self) -> AudioFormat:
        return self._line or AUDIO_FORMATS[self.json["audio"]["input"]["format"]["type"]]

    @property
    def output_format(self) -> Json:
        """The format object of the agent's audio."""
        output_format: Json = self.json["audio"]["output"]["format"]
        return output_format

    @property
    def voice(self) -> Any:
        """A voice's name, or an object with the `id` of a custom one."""
        return self.json["audio"]["output"]["voice"]

    @property
    def turn_detection(self) -> TurnDetection | None:
        detection = self.json["audio"]["input"]["turn_detection"]
        if detection is None:
            return None
        eagerness = detection.get("eagerness", "")
        silence_ms = _UNKNOWN_SPEECH_SILENCE_MS.get(eagerness, 0)
        return TurnDetection(
            threshold=detection.get("threshold", SERVER_VAD["threshold"]),
            prefix_padding_ms=detection.get("prefix_padding_ms", SERVER_VAD["prefix_padding_ms"]),
            silence_ms=detection.get("silence_duration_ms", silence_ms),
            idle_timeout_ms=detection.get("idle_timeout_ms"),
            create_response=detection["create_response"],
            interrupt_response=detection["interrupt_response"],
            longest_wait_ms=_LONGEST_WAIT_MS.get(eagerness),
        )

    @property
    def transcription_model(self) -> str | None:
        """Model that writes down the user's words, None where nothing does."""
        transcription = self.json["audio"]["input"]["transcription"]
        return None if transcription is None else transcription.get("model", "whisper-1")


def _merged_audio(current: Json, update: Json) -> Json:
    merged = dict(current)
    for side, changes in update.items():
        part = dict(merged[side])
        for name, value in changes.items():
            if name == "turn_detection":
                part[name] = _merged_detection(part[name], value)
            elif name in _MERGED and value is not None:
                part[name] = {**(part[name] or {}), **value}
            else:
                part[name] = value
        merged[side] = part
    return merged


def _merged_detection(current: Json | None, update: Json | None) -> Json | None:
    """An update of the same type changes what it names, one of another type begins from that type's defaults."""
    if update is None:
        return None
    same = current is not None and current["type"] == update["type"]
    base: Mapping[str, Any] = current if same and current is not None else _DETECTION_DEFAULTS[update["type"]]
    return {**base, **update}
