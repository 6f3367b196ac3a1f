"""The rows of one call, as they become known: turns, stimuli, the session, and keepsakes of the worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rtbench.clock import NS_PER_MS, NS_PER_S
from rtbench.core import pcm
from rtbench.core.incidents import Incident, Mishap
from rtbench.core.metrics.turn_taking import barge_in_heard_stop_ms
from rtbench.core.resilience import ResilientCaller
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn
from rtbench.engine.recording import Recording
from rtbench.engine.rows import RowKeys, incident_row, mishap_row, session_row, stimulus_row, turn_row
from rtbench.engine.waveform import HIGHEST_PEAK, WINDOW_MS, SlowestTurns, WaveformKeeper
from rtbench.scenario.prices import Price

Emit = Callable[[str, dict[str, Any]], None]
"""Takes a table's name and a row of it."""

MakeRow = Callable[[], dict[str, Any]]
Develop = Callable[[str, MakeRow], None]
"""Takes a table's name, and what makes a row of it: seconds of audio are decoded, which may be done elsewhere."""

LEAD_NS = NS_PER_S
"""Of a picture and a recording before the first sound that they are about."""

TAIL_NS = NS_PER_S // 2

ENGINE_FAULT = "engine_fault"
"""Error class of a call in which something went wrong that nobody foresaw: ours, not the service's."""

NEVER_SILENT_NS = 3_600 * NS_PER_S
"""Rank of an interruption that the agent did not notice at all: above every stop that was measured."""


@dataclass(slots=True)
class Podium:
    """The worst turns and interruptions so far, over all calls of an engine."""

    turns: SlowestTurns = field(default_factory=SlowestTurns)
    stops: SlowestTurns = field(default_factory=SlowestTurns)


class Ledger:
    """Writes the rows of one call to `emit`."""

    def __init__(
        self,
        keys: RowKeys,
        conversation: ResilientCaller,
        input_rate_hz: int,
        unix_offset_ns: int,
        emit: Emit,
        price: Callable[[], Price | None] = lambda: None,
        develop: Develop | None = None,
    ) -> None:
        """`price`: of the model that the caller talks to now; `develop`: pictures and recordings, else at once."""
        self._keys = keys
        self._conversation = conversation
        self._input_rate_hz = input_rate_hz
        self._unix_offset_ns = unix_offset_ns
        self._emit = emit
        self._price = price
        self._develop = develop or self._develop_at_once
        self._cost_usd: float | None = 0.0 if price() is not None else None
        self._drawn_turns: set[int] = set()

    def change_input(self, rate_hz: int) -> None:
        """From the next connection on the caller speaks at this rate."""
        self._input_rate_hz = rate_hz

    def turn(
        self,
        turn: Turn,
        late_max_ms: float,
        concurrency: int,
        waveform: WaveformKeeper,
        recording: Recording | None,
    ) -> None:
        """A turn is over; `recording` is given where it may be kept as sound."""
        row = turn_row(
            self._keys,
            self._session_id,
            turn,
            late_max_ms,
            at_unix_ns=turn.user_speech_end_ns + self._unix_offset_ns,
            concurrency=concurrency,
            cost_usd=self._cost(turn),
            speech_end_sample=self._sample_at(turn.user_speech_end_ns),
        )
        self._emit("turns", row)
        picture = waveform.take(turn)
        if picture is not None:
            self._drawn_turns.add(turn.number)
            self._develop("waveforms", partial(_of_session, self._keys.session, picture))
            if recording is not None:
                start_ns = turn.user_speech_start_ns - LEAD_NS
                self._record(recording, turn.number, 0, start_ns, turn.closed_ns + TAIL_NS)

    def stimulus(
        self,
        stimulus: Stimulus,
        late_max_ms: float,
        stops: SlowestTurns,
        sounds: Recording | None,
        *,
        keeps_sound: bool,
    ) -> None:
        """The effect of a stimulus is known; `sounds` is what was said around it, to be drawn if it is among the worst."""
        row = stimulus_row(
            self._keys,
            self._session_id,
            stimulus,
            late_max_ms,
            at_unix_ns=stimulus.onset_ns + self._unix_offset_ns,
            onset_sample=self._sample_at(stimulus.onset_ns),
        )
        self._emit("stimuli", row)
        if sounds is None or not stimulus.takes_turn or not stimulus.response_id:
            return
        stop_ms = barge_in_heard_stop_ms(stimulus)
        if not stops.admit(NEVER_SILENT_NS if stop_ms is None else round(stop_ms * NS_PER_MS)):
            return
        start_ns = stimulus.onset_ns - 3 * LEAD_NS
        end_ns = max(stimulus.end_ns, stimulus.silent_ns or 0, stimulus.answer_audible_ns or 0) + 4 * TAIL_NS
        end_ns = min(end_ns, stimulus.closed_ns + TAIL_NS)
        if stimulus.turn not in self._drawn_turns:
            self._drawn_turns.add(stimulus.turn)
            self._draw(sounds, stimulus.turn, start_ns, end_ns)
        if keeps_sound:
            self._record(sounds, stimulus.turn, stimulus.number, start_ns, end_ns)

    def incident(self, incident: Incident) -> None:
        """Nothing more is to be known of an outage."""
        at_unix_ns = incident.dropped_ns + self._unix_offset_ns
        self._emit("incidents", incident_row(self._keys, incident.session_before, incident, at_unix_ns))

    def mishap(self, mishap: Mishap) -> None:
        """An error was met."""
        at_unix_ns = mishap.at_ns + self._unix_offset_ns
        self._emit("mishaps", mishap_row(self._keys, self._session_id, mishap, at_unix_ns))

    def session(self, unknown_fields: Counter[str], **columns: Any) -> None:
        """The call is over."""
        session = replace(self._conversation.session, cost_usd=self._cost_usd)
        at_unix_ns = session.planned_ns + self._unix_offset_ns
        row = session_row(self._keys, session, unknown_fields, at_unix_ns=at_unix_ns, **columns)
        self._emit("sessions", row)

    @property
    def _session_id(self) -> str:
        return self._conversation.session.session_id

    def _cost(self, turn: Turn) -> float | None:
        """Of a turn, which is added to the session's; one that cannot be told leaves the session's untold too."""
        price = self._price()
        cost_usd = None if price is None else price.usd(turn)
        if cost_usd is None or self._cost_usd is None:
            self._cost_usd = None
        else:
            self._cost_usd += cost_usd
        return cost_usd

    def _sample_at(self, instant_ns: int) -> int:
        return self._conversation.grid.sample_at(instant_ns, self._input_rate_hz)

    def _draw(self, sounds: Recording, turn: int, start_ns: int, end_ns: int) -> None:
        self._develop("waveforms", partial(self._picture, sounds.snapshot(), turn, start_ns, end_ns))

    def _picture(self, sounds: Recording, turn: int, start_ns: int, end_ns: int) -> dict[str, Any]:
        peaks = pcm.peaks(sounds.agent(start_ns, end_ns), sounds.rate_hz * WINDOW_MS // 1000)
        return {
            "session": self._keys.session,
            "turn": turn,
            "window_ms": float(WINDOW_MS),
            "start_ns": start_ns,
            "peaks": [min(peak, HIGHEST_PEAK) for peak in peaks.tolist()],
        }

    def _record(self, sounds: Recording, turn: int, stimulus: int, start_ns: int, end_ns: int) -> None:
        held = sounds.snapshot()
        self._develop("recordings", partial(held.row, self._keys.session, turn, stimulus, start_ns, end_ns))

    def _develop_at_once(self, table: str, make_row: MakeRow) -> None:
        self._emit(table, make_row())


def _of_session(session: str, picture: MakeRow) -> dict[str, Any]:
    return {"session": session, **picture()}
