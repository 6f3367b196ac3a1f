"""A turn as it was heard: the instants of one exchange, before any metric is taken from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TurnOutcome = Literal["answered", "no_answer", "failed", "cancelled", "dropped", "interrupted", "not_asked"]
"""How a turn ended.

answered: the answer was heard to its end (which may be its token limit); no_answer: the timeout came
first, or nothing in the answer was audible; failed: the service said so, or stalled in mid-answer;
cancelled: the service or the caller stopped it; dropped: the connection went away; interrupted: the
run was stopped; not_asked: the caller went on speaking without waiting for an answer.
"""


@dataclass(slots=True)
class Turn:
    """One exchange: the caller's utterance and the agent's answer.

    All `_ns` fields are instants on the engine's monotonic clock, None for what did not happen.
    `user_speech_end_ns` is T(last speech sample): when the sample was due by the paced schedule.
    """

    number: int
    clip: str
    voice: str = ""
    kind: str = "spoken"
    """spoken: ended by the service's turn detection; manual: committed by the caller; written: in writing."""

    tool: bool = False
    expects_answer: bool = True
    outcome: TurnOutcome = "no_answer"
    error_class: str = ""

    response_id: str = ""
    user_item_id: str = ""
    response_status: str = ""
    response_reason: str = ""

    user_speech_start_ns: int = 0
    user_speech_end_ns: int = 0
    speech_started_ns: int | None = None
    speech_stopped_ns: int | None = None
    """Arrival of the last `speech_stopped` before the answer."""

    commit_sent_ns: int | None = None
    """The caller's own commit, in manual turns."""

    response_created_ns: int | None = None
    first_text_ns: int | None = None
    first_audio_ns: int | None = None
    audible_ns: int | None = None
    """First audible sample leaves the player. The headline's end."""

    final_audible_ns: int | None = None
    """The same for the final answer, where a preamble item came first."""

    last_audio_ns: int | None = None
    response_done_ns: int | None = None
    playout_end_ns: int | None = None
    closed_ns: int = 0

    output_started_ns: int | None = None
    """Arrival of `output_audio_buffer.started`: over WebRTC the service plays, and says so."""

    output_stopped_ns: int | None = None
    """Arrival of `.stopped`: it has played all."""

    output_cleared_ns: int | None = None
    """Arrival of `.cleared`: it threw away the rest."""

    leading_silence_ms: float | None = None
    """Media time from first received sample to first audible sample."""

    playout_wait_ms: float | None = None
    """Time by which the player held the audible sample back, as the player itself counted it."""

    audio_ms: float = 0.0
    """Media received."""

    chunks: int = 0
    chunk_gap_max_ms: float | None = None
    underrun_count: int = 0
    underrun_total_ms: float = 0.0
    underrun_max_ms: float = 0.0
    min_prebuffer_ms: float | None = None

    barged_in: bool = False
    """The caller spoke into the answer to take the turn."""

    agent_cut_in: bool = False
    """An answer became audible while the utterance was still running."""

    hold_pauses: int = 0
    """Labelled pauses inside the utterance."""

    false_cutoffs: int = 0
    """Those of them that the service took for the end."""

    overlap_ms: float = 0.0
    """Time for which caller and agent were both audible in the utterance."""

    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    cached_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0

    connection: int = 0
    """Which of the caller's connections it was held on: 0 is the first."""

    asks_for: str = ""
    """Words that the answer had to hold."""

    fact_answered: bool | None = None
    """Whether it held them; None where none were asked for, or no answer came."""

    @property
    def measured_until_ns(self) -> int:
        """The last instant that a figure of the turn rests upon: its end, where no answer was heard."""
        if self.audible_ns is None:
            return self.closed_ns
        signs = (self.final_audible_ns, self.last_audio_ns, self.response_done_ns, self.first_text_ns)
        return max(self.user_speech_end_ns, self.audible_ns, *(sign for sign in signs if sign is not None))
