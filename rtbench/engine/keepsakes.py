"""What is kept of the sound of one call: pictures of its slowest turns, and the last minutes where voices may overlap."""

from __future__ import annotations

from rtbench.core.agent_voice import Reply
from rtbench.core.audio import Audio
from rtbench.core.resilience import ResilientCaller
from rtbench.core.rtp import Media
from rtbench.core.script import Script
from rtbench.engine.packet_tape import PacketTape
from rtbench.engine.plan import Plan
from rtbench.engine.recording import Recording
from rtbench.engine.waveform import SlowestTurns, WaveformKeeper


class Keepsakes:
    """Takes the agent's audio as it is heard."""

    def __init__(
        self, plan: Plan, script: Script, conversation: ResilientCaller, slowest: SlowestTurns
    ) -> None:
        self.waveform = WaveformKeeper(slowest, script.session.output_format)
        self.recording: Recording | None = None
        """Only where sound may be kept, or caller and agent may speak at once; it costs memory."""

        if script.speaks_into_answers or plan.scenario.record.audio:
            self.recording = Recording(script.session.output_format, plan.samples)
        self.sounds = self.recording if plan.scenario.record.audio else None
        """The same where it may be kept as sound."""

        self._conversation = conversation
        self._tape: tuple[str, PacketTape] | None = None

    def keep(self, reply: Reply, audio: Audio) -> None:
        """A part of a reply was heard."""
        fold = self._conversation.open_turn
        if fold is not None and fold.turn.response_id == reply.response_id:
            self.waveform.hear(fold.turn, reply.playback, audio)
        if self.recording is not None:
            self.recording.agent_says(self._conversation.session.turns, reply.playback, audio)

    def keep_packet(self, media: Media, reply: Reply, payload: bytes) -> None:
        """The same, one packet of it."""
        if self._tape is None or self._tape[0] != reply.response_id:
            self._tape = (reply.response_id, PacketTape(media))
        audio = self._tape[1].record(payload)
        self.keep(reply, audio)
        fold = self._conversation.open_turn
        if fold is not None and self.waveform.keeps(fold.turn):
            # Decoded as it comes: a whole answer at once would hold the loop, and make frames late.
            _ = audio.data
