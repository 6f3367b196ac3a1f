"""What a caller does: the steps of one conversation, with everything random already drawn.

A scenario with its groups, weights and ranges is turned into one `Script` per session, by seed,
before the session starts; nothing here is random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rtbench.core.audio import PCM16, AudioFormat
from rtbench.core.impairment import Conditions
from rtbench.core.reconnection import ReconnectPolicy


@dataclass(frozen=True, slots=True)
class Clip:
    """An utterance of the corpus: its labels, in nanoseconds from the clip's first sample.

    `speech_start_ns` and `speech_end_ns` are true start and end of speech, from the corpus label;
    `holds` are pauses inside the utterance (start, end) after which the caller goes on.
    """

    name: str
    duration_ns: int
    speech_start_ns: int
    speech_end_ns: int
    holds: tuple[tuple[int, int], ...] = ()
    role: str = "statement"
    voice: str = ""
    text: str = ""
    """The words, empty where there are none."""

    @property
    def sound_ns(self) -> tuple[int, int]:
        """Start and end of its sound: of the speech, or of the whole where there is none, as in noise."""
        if self.speech_start_ns < self.speech_end_ns:
            return self.speech_start_ns, self.speech_end_ns
        return 0, self.duration_ns


@dataclass(frozen=True, slots=True)
class Say:
    """Play a clip into the microphone; the next step begins when its speech ends.

    In a session without turn detection the turn is committed by hand at the end of speech, and a
    response asked for where `expects_answer`.
    """

    clip: Clip
    expects_answer: bool = True
    gain_db: float = 0.0
    """Level against the clip's own; a mumbled utterance is some 20 dB down."""

    asks_for: str = ""
    """Words that the answer must hold: a fact that the caller has told before; empty where nothing is asked for."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear the agent out: until its answer is complete and played.

    Where no answer becomes audible within `timeout_ns` after the end of the user's speech the turn is
    censored there; an answer that has begun is heard to its end.
    """

    timeout_ns: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for so long; the microphone sends silence."""

    duration_ns: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When to speak into the agent's answer, by what the caller has *heard* of it; exactly one field is set.

    Audio that has arrived and not been played does not count: a service may deliver 20 s of speech in 2 s.
    """

    heard_ns: int | None = None
    """After so much of the answer's audio, from its first audible sample; 0 is together with it."""

    fraction: float | None = None
    """After this share (0 to 1) of the answer's audio, once the service has said how long that is."""

    elapsed_ns: int | None = None
    """So long after the answer became audible, underruns included."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Speak into the answer and take the turn: a new utterance, that wants an answer of its own.

    Where the answer ends before its moment comes, nothing is said. In a session without turn detection
    the caller cancels the answer by hand first, as a push-to-talk application does.
    """

    clip: Clip
    moment: Moment
    kind: Literal["interrupt", "overlap"] = "interrupt"
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Disturb:
    """Make a sound that must not take the turn: a backchannel, a cough, noise, talk aside, a click, a tone."""

    clip: Clip
    kind: str
    """The stimulus, as the false interruptions are counted by."""

    moment: Moment | None = None
    """When in the answer; None: once the agent is silent."""

    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class StaySilent:
    """Say nothing for so long, and hear out whatever the agent says meanwhile by itself."""

    duration_ns: int


DropHow = Literal["reset", "half_open", "close", "ice_dead", "channel_closed", "peer_gone"]
"""How the caller's side breaks its connection.

reset: cut without a word (TCP reset); half_open: nothing more is sent or heard, and nobody is told;
close: the closing handshake, as an application does that is shut down. Over WebRTC: ice_dead, no packet
passes any more; channel_closed, the data channel alone is closed; peer_gone, the peer is torn down.
"""


@dataclass(frozen=True, slots=True)
class Drop:
    """Break the connection on purpose."""

    how: DropHow = "reset"
    when: Literal["now", "mid_answer", "mid_utterance", "handshake"] = "now"
    """now: at this step, which after an utterance is before its answer; mid_answer: at `moment` of the answer;
    mid_utterance: in the middle of the next utterance; handshake: now, and again while the next connection is made."""

    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class OrderFault:
    """Tell the emulator to go wrong, at its next occasion; other services do not know the order."""

    fault: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class ChangeNetwork:
    """Put the caller behind another simulated network from this step on; as an order to the shell, from now on."""

    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Write:
    """Say something in writing, in a session of text; the answer comes in writing too."""

    clip: Clip
    asks_for: str = ""


Step = Say | Listen | Pause | Interrupt | Disturb | StaySilent | Drop | OrderFault | ChangeNetwork | Write


def turns_in(steps: tuple[Step, ...]) -> int:
    """How many turns these steps make; an interruption is one of its own."""
    return sum(isinstance(step, Say | Write | Interrupt) for step in steps)


def after_lost_turn(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps without those at their beginning that mean nothing but in the turn before, which was lost."""
    for position, step in enumerate(steps):
        in_a_turn = isinstance(step, Listen | Interrupt | Pause) or getattr(step, "moment", None) is not None
        if not in_a_turn:
            return steps[position:]
    return ()


InterruptionPolicy = Literal["flush_on_speech_started", "passive"]
"""What the caller's application does when the service hears the caller speak into an answer.

flush_on_speech_started: stop the player, tell the service how much was heard
(`conversation.item.truncate`), and cancel the response where the service does not do so by itself,
as real applications do; passive: play on whatever has arrived. Over WebRTC the service plays, and so
knows by itself how much was heard: the application mutes its player, and where it has to cancel by
itself it clears the service's buffer too.
"""


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The session's settings as the caller sends them, in the GA API's shape, and what the caller must know of them."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """The `session` object of `session.update`: only what the scenario sets, and `type`."""

    input_format: AudioFormat = PCM16
    output_format: AudioFormat = PCM16
    interrupts_by_itself: bool = True
    """The service cancels its answer when the caller speaks (`interrupt_response`)."""

    manual_turns: bool = False
    """No turn detection: the caller commits and asks for each response."""

    spoken_answers: bool = True
    """The output modality is audio; else text."""

    in_writing: bool = False
    """The caller writes, and has no microphone on: the session that is fallen back to."""


@dataclass(frozen=True, slots=True)
class Script:
    """One conversation, ready to be held."""

    steps: tuple[Step, ...]
    session: SessionConfig = SessionConfig()
    prebuffer_ns: int = 0
    """Audio that the virtual player gathers before it starts or resumes."""

    answer_timeout_ns: int = 15 * 1_000_000_000
    """How long an answer that is to be interrupted is waited for; `Listen` has its own."""

    policy: InterruptionPolicy = "flush_on_speech_started"
    streamed: bool = False
    """The answers come as RTP, played by the service in real time, and not as events."""

    setup_timeout_ns: int = 10 * 1_000_000_000
    """How long `session.created` and `session.updated` may take, each."""

    reconnect: ReconnectPolicy | None = None
    """What the caller does when the connection goes away; None to end there."""

    overlaps: bool | None = None
    """See `speaks_into_answers`; worked out from the steps where it is not given."""

    def __post_init__(self) -> None:
        # Once for a conversation: what is left of it after a reconnection is a script too, made while others wait.
        if self.overlaps is None:
            object.__setattr__(self, "overlaps", _speaks_into_answers(self.steps))

    @property
    def speaks_into_answers(self) -> bool:
        """Whether any step sounds while the agent may be speaking, so that all of its audio must be listened to."""
        return bool(self.overlaps)


def _speaks_into_answers(steps: tuple[Step, ...]) -> bool:
    unheard = False
    for step in steps:
        match step:
            case Interrupt() | Disturb() | StaySilent():
                return True
            case Say() if unheard:
                return True
            case Say():
                unheard = True
            case Listen():
                unheard = False
    return False
