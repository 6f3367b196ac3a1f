"""Faults: what a service does wrong, seeded, so that a load test can be shown to find it.

Written in a profile as `faults: {late_cancel: 300 ms, missed_interruption: 0.2}`. A fault that takes
time is written as that time, in any form of `delays`, or with a rate, `{rate: 0.5, delay: 300 ms}`;
a fault that is or is not as its rate alone. Where no rate is given it strikes whenever it can.

A false interruption needs no fault: a session whose `turn_detection.threshold` is 0.1 to 0.2, with a
profile whose `min_speech` is 10 ms, takes breath, clicks and noise for speech.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from rtbench.emulator import line_faults
from rtbench.emulator.delays import ZERO, Delay, parse_delay
from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.line_faults import LINE_FAULTS, LineFault, Transport, parse_line_fault
from rtbench.scenario.fault import did_you_mean, fault, shown

LATE_CANCEL = "late_cancel"
STALE_AUDIO = "stale_audio"
DETECTION_DELAY = "detection_delay"
MISSED_INTERRUPTION = "missed_interruption"
PREMATURE_CUTOFF = "premature_cutoff"
TRUNCATION_REJECTED = "truncation_rejected"
CUT_IN = "cut_in"
NO_ANSWER = "no_answer"
LATE_ANSWER = "late_answer"

EXPIRY = "expiry"
NO_SLOT = "no_slot"
CAPACITY = "capacity"
"""No faults of a profile, but noted as if they were: the end of a session at its time limit, an answer for which there is
no slot, and a session for which there is no room."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How often something goes wrong, and for how long then."""

    rate: float = 1.0
    lasts: Delay = ZERO


def _occasional(written: Any) -> Fault:
    """A fault that is written as its rate."""
    return Fault(rate=_rate(written))


def _lasting(key: str) -> Callable[[Any], Fault]:
    """A fault that is written as its time, or as a mapping of `rate` and the time by this key."""

    def parse(written: Any) -> Fault:
        if not isinstance(written, Mapping) or not {"rate", key} & set(written):
            return Fault(lasts=parse_delay(written))
        if key not in written or not set(written) <= {"rate", key}:
            raise fault(f"must have {key} and, where it does not always strike, rate")
        return Fault(rate=_rate(written.get("rate", 1.0), "rate"), lasts=parse_delay(written[key]))

    return parse


FAULTS: dict[str, Callable[[Any], Fault]] = {
    LATE_CANCEL: _lasting("delay"),  # an answer goes on for so long after speech into it was detected
    STALE_AUDIO: _lasting("audio"),  # so much of an answer is still sent after its cancellation was told
    DETECTION_DELAY: _lasting("delay"),  # `speech_started`, and what follows from it, comes so much later
    MISSED_INTERRUPTION: _occasional,  # speech into an answer is not noticed before that was heard out
    PREMATURE_CUTOFF: _occasional,  # a pause of 100 ms inside a known utterance is taken for its end
    TRUNCATION_REJECTED: _occasional,  # `conversation.item.truncate` is refused
    CUT_IN: _lasting("after"),  # an answer begins so long after the user has, who is still speaking
    NO_ANSWER: _occasional,  # a turn is committed, and its `response.created` never comes
    LATE_ANSWER: _lasting("delay"),  # an answer's first piece comes so much later than its drawn delay
}
"""Every fault of a session itself by its name in a profile, and how it is written there; those of the line and of the
door are in `line_faults`."""


def parse_faults(written: Any) -> dict[str, Fault | LineFault]:
    """Read a profile's faults. Raises a pydantic error that leads to the key at fault."""
    if not isinstance(written, Mapping):
        raise fault(f"must be a mapping of faults, not {shown(written)}")
    faults: dict[str, Fault | LineFault] = {}
    for name, value in written.items():
        if name not in FAULTS and name not in LINE_FAULTS:
            raise fault(
                f"unknown fault '{name}'{did_you_mean(str(name), [*FAULTS, *LINE_FAULTS])}", str(name)
            )
        try:
            faults[name] = value if isinstance(value, Fault | LineFault) else _parse(name, value)
        except PydanticCustomError as error:
            context = error.context or {}
            raise fault(context["sentence"], name, *context["at"]) from None
        except ValueError as error:
            raise fault(str(error), name) from None
    return faults


_SIGNS = {STALE_AUDIO: "response.done"}
"""Wire types of the events by which alone a fault is known, where there is one: what tells a cancellation."""


def objection(name: str, found: Fault | LineFault, transport: Transport, *, filtered: bool = False) -> str:
    """Why a fault can never strike callers over this transport, or never be seen by them; empty where it can.

    `filtered`: their data channel tells few events (see `core.filtered_events`).
    """
    if isinstance(found, LineFault):
        return line_faults.objection(found, transport, filtered=filtered)
    if name == TRUNCATION_REJECTED and transport == "webrtc":
        return "has no meaning over WebRTC, where the service truncates its answers by itself"
    return line_faults.untold(_SIGNS.get(name, "")) if filtered else ""


def _parse(name: str, written: Any) -> Fault | LineFault:
    return FAULTS[name](written) if name in FAULTS else parse_line_fault(name, written)


class Faults:
    """One session's faults. Each draws from a generator of its own: one more leaves the others as they were."""

    def __init__(
        self, faults: Mapping[str, Fault | LineFault] | None = None, seed: str = "", session_id: str = ""
    ) -> None:
        """Those of the line are another's (see `faulty_session`), and are passed over."""
        self.now_ns = 0
        """The session's present, which the session keeps here: when what is noted went wrong."""

        self._session_id = session_id
        self._rows: list[FaultRow] = []
        self._faults = {name: fault for name, fault in (faults or {}).items() if isinstance(fault, Fault)}
        self._rngs = {name: random.Random(f"{seed}/{name}") for name in self._faults}

    def __contains__(self, name: str) -> bool:
        return name in self._faults

    def strikes(self, name: str) -> bool:
        """Whether this goes wrong now."""
        return self.strike_ms(name) is not None

    def strike_ms(self, name: str) -> float | None:
        """For how long this goes wrong now; None where it does not."""
        found = self._faults.get(name)
        if found is None:
            return None
        rng = self._rngs[name]
        lasts_ms = found.lasts.draw_ms(rng)
        return lasts_ms if rng.random() < found.rate else None

    def note(self, kind: str, response_id: str = "", setting: str = "", lasts_ns: int = 0) -> None:
        """Write down what goes wrong now, in a way that a caller can see; `lasts_ns` is the setting where it is a time."""
        setting = f"{lasts_ns / 1e6:g} ms" if lasts_ns else setting
        self._rows.append(FaultRow(kind, self.now_ns, self._session_id, response_id, setting))

    def take_rows(self) -> list[FaultRow]:
        """What went wrong since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def strike_ns(self, name: str) -> int:
        """For how many nanoseconds this goes wrong now; 0 where it does not."""
        return round((self.strike_ms(name) or 0.0) * 1_000_000)


def _rate(written: Any, *at: str) -> float:
    if isinstance(written, bool) or not isinstance(written, int | float) or not 0 <= written <= 1:
        raise fault(f"must be a rate from 0 to 1, not {shown(written)}", *at)
    return float(written)
