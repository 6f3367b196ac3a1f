"""The input audio buffer: what the user has said and nobody has committed, and where speech is in it.

Positions are samples of the session's whole input stream, in the rate of its present format.
"""

from __future__ import annotations

from collections import deque

from rtbench.core import pcm
from rtbench.core.audio import AudioFormat
from rtbench.core.pcm import Samples
from rtbench.core.vad import EnergyVad, SpeechEnd, SpeechStart
from rtbench.emulator.endpointing import PAUSE_MS, Endpointing
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.settings import TurnDetection

Edge = SpeechStart | SpeechEnd

MIN_COMMIT_MS = 100
"""The API refuses to commit less."""

_DECISION_MARGIN_MS = 100
"""How far back a start of speech may lie beyond the VAD's least duration of speech: its edge windows, and one frame."""


class InputBuffer:
    """Uncommitted audio, as the bytes that came.

    With turn detection, silence older than the prefix padding is let go: a caller's microphone
    never stops, and what is not speech is never committed.
    """

    def __init__(
        self,
        fmt: AudioFormat,
        detection: TurnDetection | None,
        min_speech_ms: float,
        endpointing: Endpointing | None = None,
    ) -> None:
        """Without `endpointing`, the session's silence alone ends a turn."""
        self._endpointing = endpointing
        self._fmt = fmt
        self._detection = detection
        self._min_speech_ms = min_speech_ms
        self._chunks: deque[bytes] = deque()
        self._torn = b""
        self.position = 0
        """Samples received so far."""

        self.start = 0
        """The first sample that is still there."""

        self.keeps_all = False
        """Nothing is let go, as speech that was heard is still to be taken out."""

        self._vad_origin = 0
        self._vad = self._new_vad()
        self._measure()

    @property
    def rate_hz(self) -> int:
        return self._fmt.rate_hz

    @property
    def speaking(self) -> bool:
        return self._vad is not None and self._vad.speaking

    @property
    def sounding(self) -> bool:
        """Whether the user who speaks is not in a pause."""
        vad = self._vad
        return vad is not None and vad.speaking and vad.quiet_samples * 1000 < PAUSE_MS * self._fmt.rate_hz

    def ms(self, sample: int) -> int:
        """Playing time from the stream's first sample to this one."""
        return sample * 1000 // self._fmt.rate_hz

    def append(self, data: bytes) -> list[Edge]:
        """Take in audio; the edges of speech that it decided. Half a sample at its end waits for the other half."""
        fmt = self._fmt
        if self._torn:
            data = self._torn + data
        torn = len(data) % fmt.bytes_per_sample
        self._torn = data[-torn:] if torn else b""
        if torn:
            data = data[:-torn]
        if not data:
            return []
        self._chunks.append(data)
        self.position += fmt.samples(len(data))
        vad = self._vad
        if vad is None:
            return []
        edges = vad.feed(pcm.decode(data, fmt))
        if edges:
            return [
                type(edge)(edge.sample + self._vad_origin, edge.decided_sample + self._vad_origin)
                for edge in edges
            ]
        if self.position - self.start > self._most_silence and not (vad.speaking or self.keeps_all):
            self._let_go()
        return []

    def turn_start(self, speech_start: int) -> int:
        """Where a turn begins: the prefix padding ahead of speech, as far as it is still there."""
        padding_ms = self._detection.prefix_padding_ms if self._detection else 0
        return max(self.start, speech_start - padding_ms * self._fmt.rate_hz // 1000)

    def take(self, start: int, end: int) -> bytes:
        """Audio from sample `start` to `end`, which leaves the buffer with all before it."""
        held = b"".join(self._chunks)
        size = self._fmt.size_bytes
        taken = held[size(start - self.start) : size(end - self.start)]
        rest = held[size(end - self.start) :]
        self._chunks = deque([rest] if rest else [])
        self.start = end
        return taken

    def take_all(self) -> bytes:
        """All audio, and with it speech that is under way. Raises Refusal where it is too little to commit."""
        held_ms = (self.position - self.start) * 1000 / self._fmt.rate_hz
        if held_ms < MIN_COMMIT_MS:
            raise Refusal(
                "Error committing input audio buffer: buffer too small. "
                f"Expected at least {MIN_COMMIT_MS}ms of audio, but buffer only has {held_ms:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        self._forget_speech()
        return self.take(self.start, self.position)

    def clear(self) -> None:
        """Forget all audio, and speech that is under way."""
        self._chunks.clear()
        self._torn = b""
        self.start = self.position
        self._forget_speech()

    def configure(self, fmt: AudioFormat, detection: TurnDetection | None) -> None:
        """Use other settings from here on; audio of another format is dropped, positions go on in its rate."""
        if fmt != self._fmt:
            self.position = self.position * fmt.rate_hz // self._fmt.rate_hz
            self._fmt = fmt
            self._detection = detection
            self._vad_origin = self.position
            self._vad = self._new_vad()
            self._measure()
            self.clear()
            return
        restart = (detection is None) != (self._detection is None)
        self._detection = detection
        self._measure()
        if restart:
            self._vad_origin = self.position
            self._vad = self._new_vad()
        elif self._vad is not None and detection is not None:
            self._vad.threshold = detection.threshold
            self._vad.silence_ms = detection.silence_ms
            self._judge_pauses(self._vad, detection)

    def _new_vad(self) -> EnergyVad | None:
        detection = self._detection
        if detection is None:
            return None
        vad = EnergyVad(self._fmt.rate_hz, detection.threshold, detection.silence_ms, self._min_speech_ms)
        self._judge_pauses(vad, detection)
        return vad

    def _judge_pauses(self, vad: EnergyVad, detection: TurnDetection) -> None:
        endpointing = self._endpointing
        if endpointing is None or not endpointing.judges(detection):
            vad.judge_pauses(PAUSE_MS, None)
            return

        def judge(speech_start: int, end: int) -> float:
            heard = self._samples(speech_start + self._vad_origin, end + self._vad_origin)
            return endpointing.silence_ms(heard, self._fmt.rate_hz, detection)

        vad.judge_pauses(PAUSE_MS, judge)

    def _samples(self, speech_start: int, end: int) -> Samples:
        """What was said from just before `speech_start` to `end`; soft sounds come ahead of what begins speech."""
        size = self._fmt.size_bytes
        first = max(self.start, speech_start - _DECISION_MARGIN_MS * self._fmt.rate_hz // 1000)
        held = b"".join(self._chunks)
        return pcm.decode(held[size(first - self.start) : size(end - self.start)], self._fmt)

    def _forget_speech(self) -> None:
        if self._vad is not None:
            self._vad.reset()

    def _let_go(self) -> None:
        """Drop the oldest silence, whole chunks of it, down to what a start of speech may reach back to."""
        keep_from = self.position - self._least_silence
        chunks = self._chunks
        while chunks and self.start + (samples := self._fmt.samples(len(chunks[0]))) <= keep_from:
            chunks.popleft()
            self.start += samples

    def _measure(self) -> None:
        """How much silence is kept: enough at least, and more before it is worth while to drop any."""
        padding_ms = self._detection.prefix_padding_ms if self._detection else 0
        keep_ms = padding_ms + self._min_speech_ms + _DECISION_MARGIN_MS
        self._least_silence = round(keep_ms * self._fmt.rate_hz / 1000)
        self._most_silence = self._least_silence + self._fmt.rate_hz // 2
