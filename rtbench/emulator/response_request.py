"""What a response is asked to be: the session's settings, and what `response.create` says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rtbench.core.audio import AUDIO_FORMATS, AudioFormat
from rtbench.core.client_events import Json
from rtbench.emulator import parameters
from rtbench.emulator.settings import Settings
from rtbench.emulator.tool_call import required_tool


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """One response's parameters, complete."""

    in_conversation: bool
    """Its items go to the default conversation; else it is out of band (`conversation: none`)."""

    modality: str
    """audio or text."""

    format_json: Json
    voice: Any
    max_output_tokens: int | None
    """None for "inf"."""

    instructions: str
    tools: Sequence[Json]
    function: Json | None
    """The tool that must be called instead of an answer."""

    metadata: Json | None = None
    input: Sequence[Json] | None = None
    """Items to read in place of the conversation."""

    reply: str = ""
    """Clip to answer with; empty for any."""

    @property
    def format(self) -> AudioFormat:
        return AUDIO_FORMATS[self.format_json["type"]]

    @property
    def json(self) -> dict[str, Any]:
        """Those members of the response object that tell how it was asked for."""
        voice = self.voice if isinstance(self.voice, str) else self.voice["id"]
        return {
            "output_modalities": [self.modality],
            "max_output_tokens": "inf" if self.max_output_tokens is None else self.max_output_tokens,
            "audio": {"output": {"format": self.format_json, "voice": voice}},
            "metadata": self.metadata,
        }


def response_request(settings: Settings, written: Any = None) -> ResponseRequest:
    """A request from the `response` member of `response.create`, None where the turn alone asks for it.

    Raises Refusal where a parameter is not allowed.
    """
    if written is not None:
        parameters.RESPONSE(written, "response")
    own: dict[str, Any] = _given(written)
    asked: dict[str, Any] = {**settings.json, **own}
    output = _given(_given(own.get("audio")).get("output"))
    tokens = asked["max_output_tokens"]
    return ResponseRequest(
        in_conversation=asked.get("conversation", "auto") == "auto",
        modality=(asked["output_modalities"] or ["audio"])[0],
        format_json=output.get("format", settings.output_format),
        voice=output.get("voice", settings.voice),
        max_output_tokens=None if tokens == "inf" else tokens,
        instructions=asked["instructions"],
        tools=asked["tools"],
        function=required_tool(asked["tools"], asked["tool_choice"], "response.tool_choice"),
        metadata=own.get("metadata"),
        input=own.get("input"),
    )


def _given(members: Json | None) -> dict[str, Any]:
    """Members that have a value: null is as good as nothing in `response.create`."""
    return {name: value for name, value in (members or {}).items() if value is not None}
