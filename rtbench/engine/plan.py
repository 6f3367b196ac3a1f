"""What an engine plays: the scenario, its corpus already encoded, and the target, ready for any number of calls."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

from rtbench.clock import NS_PER_MS
from rtbench.core.audio import Audio
from rtbench.core.codec import OPUS
from rtbench.core.impairment import Conditions, Network
from rtbench.core.pcm import Samples
from rtbench.core.script import Clip, Script
from rtbench.corpus.audio_file import FULL_SCALE, resample, to_int16
from rtbench.corpus.frames import FrameCache
from rtbench.corpus.packets import PacketCache
from rtbench.dialects.dialect import Dialect
from rtbench.dialects.registry import DIALECTS
from rtbench.engine.target import Target
from rtbench.scenario.clips import check_clips, open_corpus, script_sounds
from rtbench.scenario.compile import compile_script
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario
from rtbench.scenario.network import ChangeNetwork
from rtbench.scenario.prices import Price, price_of
from rtbench.scenario.steps import leaves
from rtbench.scenario.transport import CodecName, TransportName

FALLBACK_CODEC: CodecName = "pcmu"
"""What is opened after a degraded call over Opus: every service has it, and it asks nothing of the packet before."""


class Plan:
    """A scenario with everything that its calls share. Raises UsageError where scenario or corpus are not usable."""

    def __init__(
        self,
        scenario_path: Path,
        target: Target,
        transport: TransportName | None = None,
        codec: CodecName | None = None,
    ) -> None:
        """`transport` and `codec` go before the scenario's own."""
        self.target = target
        self.dialect: Dialect = DIALECTS[target.dialect]
        scenario = load_scenario(scenario_path).held_over(transport, codec)
        self.corpus = open_corpus(scenario)
        check_clips(scenario, self.corpus)
        self._frames = FrameCache(self.corpus)
        self._packets = PacketCache(self.corpus)
        self._hold(scenario)

    def _hold(self, scenario: Scenario) -> None:
        self.scenario = scenario
        script = compile_script(scenario, self.corpus, seed=0)
        self._session = script.session
        if scenario.is_filtered and script.speaks_into_answers:
            told = "does not tell what becomes of an answer that is spoken into; set control: sideband"
            raise scenario.error(("webrtc_filter",), told)
        self._codec = scenario.media_codec
        self._changes_network = any(
            isinstance(step, ChangeNetwork) for _, step in leaves(scenario.conversation)
        )
        self.fallback: Plan | None = None
        """The same in the codec that is fallen back to, where the scenario wants that."""

        if scenario.network_alert.adaptive_codec and self._codec is OPUS:
            self.fallback = copy(self)
            self.fallback._hold(scenario.held_over(None, FALLBACK_CODEC))

    @property
    def frame_ns(self) -> int:
        """Length of the frames that the microphone sends."""
        return self.scenario.frame_ms * NS_PER_MS

    @property
    def session(self) -> dict[str, Any]:
        """The session object with which an ephemeral key is asked for."""
        return {**self._session.settings, "model": self.scenario.session.model}

    def price(self, *, fell_back: bool) -> Price | None:
        """What tokens cost, also of the model that a caller falls back to; None where that is not known."""
        return price_of(self.scenario.models[-1 if fell_back else 0])

    def encode_clips(self) -> None:
        """Read and encode every clip that a call may play, so that no call waits for it."""
        for name, gain_db in sorted(script_sounds(self.scenario, self.corpus)):
            self._messages(name, gain_db)
        self.silence()
        if self.fallback is not None:
            self.fallback.encode_clips()

    def script(self, seed: int) -> Script:
        """One conversation, everything in it drawn from the seed."""
        return compile_script(self.scenario, self.corpus, seed)

    def network(self, seed: int, start_ns: int) -> Network | None:
        """The simulated network of one call, where the scenario has one, or changes to one in mid-call."""
        wanted = self.scenario.network
        if wanted is None and not self._changes_network:
            return None
        conditions = Conditions() if wanted is None else wanted.conditions
        return Network(conditions, lambda part: random.Random(f"{seed}/network/{part}"), start_ns)

    def messages(self, clip: Clip, gain_db: float = 0.0) -> Sequence[bytes]:
        """A clip's append messages, one a frame; over WebRTC its packets."""
        return self._messages(clip.name, gain_db)

    def samples(self, clip: Clip, rate_hz: int) -> Samples:
        """A clip's samples at a rate, shape (samples,)."""
        samples = self.corpus.samples(clip.name)
        if rate_hz == self.corpus.rate_hz:
            return samples
        return to_int16(resample(samples / FULL_SCALE, self.corpus.rate_hz, rate_hz))

    def silence(self) -> Sequence[bytes]:
        """The same of room tone, to be repeated."""
        if self._codec is not None:
            return self._packets.silence(self._codec)
        fmt, frame_ms = self._session.input_format, self.scenario.frame_ms
        return self._frames.silence_messages(fmt, frame_ms, self.dialect.append_message)

    def append_message(self, audio: Audio) -> bytes:
        """One frame as the dialect's message."""
        return self.dialect.append_message(audio)

    def _messages(self, name: str, gain_db: float = 0.0) -> Sequence[bytes]:
        if self._codec is not None:
            return self._packets.packets(name, self._codec, gain_db=gain_db)
        return self._frames.messages(
            name,
            self._session.input_format,
            self.scenario.frame_ms,
            self.dialect.append_message,
            gain_db=gain_db,
        )
