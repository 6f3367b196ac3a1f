from __future__ import annotations

import asyncio

import numpy as np

from rtbench.core.audio import PCM16, PCMA
from rtbench.core.codec import G711_A, OPUS
from rtbench.emulator.lines import Lines
from rtbench.transports.webrtc import decoder


def test_a_codec_s_line_is_made_once_for_all_who_wait(make_service):
    async def main() -> None:
        lines = Lines(make_service())
        first, second = await asyncio.gather(lines.line(G711_A), lines.line(G711_A))
        assert first is second is await lines.line(G711_A)
        assert first.input_format == PCMA

    asyncio.run(main())


def test_opus_replies_decode_to_what_was_said(make_service, reply):
    async def main() -> None:
        line = await Lines(make_service()).line(OPUS)
        assert line.input_format == PCM16
        packets = [packet for chunk in line.voice.chunks(reply, PCM16) for packet in chunk.audio]
        opus = decoder(OPUS)
        heard = np.concatenate([opus.decode(packet) for packet in packets]).astype(float)
        said = reply.samples[24_000].astype(float)
        # The codec's delay is a few milliseconds: the likeness is looked for up to 20.
        likeness = max(
            np.corrcoef(heard[lag : lag + 16_000], said[:16_000])[0, 1] for lag in range(0, 480, 2)
        )
        assert likeness > 0.95
        offset_ms = line.voice.audible_offset_ms(reply, PCM16, 0)
        assert 30 < offset_ms < 60

    asyncio.run(main())
