"""How the service ends the caller's turn: server VAD, semantic VAD, or by hand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from rtbench.scenario.block import Block


class ServerVad(Block):
    """Turns are ended by silence; what is not written is the service's default."""

    type: Literal["server_vad"]
    """Turns are ended by silence."""

    threshold: float | None = Field(default=None, ge=0, le=1)
    """How loud speech must be; the API's default is 0.5."""

    prefix_padding_ms: int | None = Field(default=None, ge=0)
    """Audio kept from before the speech, in milliseconds; the API's default is 300."""

    silence_duration_ms: int | None = Field(default=None, ge=0)
    """Silence that ends the turn, in milliseconds; the API's default is 500."""

    idle_timeout_ms: int | None = Field(default=None, ge=5000, le=30_000)
    """Silence after which the service prompts the caller, in milliseconds; null for never."""

    create_response: bool | None = None
    """Whether the end of a turn asks for an answer; the API's default is true."""

    interrupt_response: bool | None = None
    """Whether speech cancels a running answer; the API's default is true."""


class SemanticVad(Block):
    """Turns are ended by what was said; what is not written is the service's default."""

    type: Literal["semantic_vad"]
    """Turns are ended by what was said."""

    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    """How soon the service answers: within 8, 4 or 2 s for low, medium and high; auto is medium."""

    create_response: bool | None = None
    """Whether the end of a turn asks for an answer; the API's default is true."""

    interrupt_response: bool | None = None
    """Whether speech cancels a running answer; the API's default is true."""


def _manual(written: Any) -> Any:
    return None if written == "none" else written


_Vad = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]

TurnDetection = Annotated[
    _Vad | None, BeforeValidator(_manual, json_schema_input_type=_Vad | Literal["none"] | None)
]
"""None: the caller commits each turn by hand."""
