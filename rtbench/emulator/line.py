"""The line of a call: what is spoken over it, where the transport and not the session settles that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rtbench.core.audio import AudioFormat
from rtbench.core.codec import PacketDecoder
from rtbench.emulator.voice import Speech


@dataclass(frozen=True, slots=True)
class Line:
    """The audio of a WebRTC call, whose codec was negotiated before the session began."""

    input_format: AudioFormat
    """In which the user's audio is handed to the session."""

    voice: Speech
    decoder: Callable[[], PacketDecoder]
    """Makes the decoder of one call's packets."""

    filler: bytes = b""
    """A packet of silence that is sent whenever nothing is spoken; empty where then nothing is sent."""
