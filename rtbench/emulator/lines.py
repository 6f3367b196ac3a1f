"""The lines of a service: for each codec a voice in packets, encoded when the first call wants it."""

from __future__ import annotations

import asyncio
from functools import partial

from rtbench.core.audio import PCM16
from rtbench.core.codec import AudioCodec
from rtbench.corpus.packets import encode_packets
from rtbench.emulator.line import Line
from rtbench.emulator.packet_voice import PacketVoice
from rtbench.emulator.session import Service
from rtbench.emulator.shared_decoder import KnownPackets, SharedDecoder
from rtbench.transports.webrtc import decoder


class Lines:
    """Makes each line once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lines: dict[str, asyncio.Task[Line]] = {}

    async def line(self, codec: AudioCodec) -> Line:
        """Encodes in another thread: other calls are under way, and on time."""
        if codec.name not in self._lines:
            making = asyncio.to_thread(self._make, codec)
            self._lines[codec.name] = asyncio.get_running_loop().create_task(making)
        return await asyncio.shield(self._lines[codec.name])

    def _make(self, codec: AudioCodec) -> Line:
        service = self._service
        voice = PacketVoice(
            service.voice.replies, service.profile.chunk_ms, codec, encode_packets, partial(decoder, codec)
        )
        voice.prepare()
        known = KnownPackets()
        filler = voice.silent_packets(1)[0] if service.profile.rtp == "continuous" else b""
        return Line(codec.fmt or PCM16, voice, lambda: SharedDecoder(decoder(codec), known), filler)
