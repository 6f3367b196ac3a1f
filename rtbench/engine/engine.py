"""The engine: holds any number of calls in one event loop, and reports to the Locust worker that owns it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtbench.clock import monotonic_ns, unix_offset_ns
from rtbench.core.sessions import Session
from rtbench.dialects.registry import DIALECTS
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.call import Call, Surroundings
from rtbench.engine.darkroom import Darkroom
from rtbench.engine.disruption import StormClock
from rtbench.engine.doorway import Doorway
from rtbench.engine.health import HealthMonitor
from rtbench.engine.messages import CallOver, Configure, FromEngine, Goodbye, Row, StartCall, StopCall
from rtbench.engine.plan import Plan
from rtbench.engine.probe import probe, probe_media
from rtbench.engine.rows import RowKeys, session_row
from rtbench.engine.target import named_target
from rtbench.engine.trace import Trace
from rtbench.transports.websocket import Inbox

GOLDEN_RATIO = 0.618_033_988_749_895
"""Multiples of it, modulo 1, spread evenly however many there are: the phases of the microphones."""

NOT_BEGUN = "not_begun"
"""Error class of a call that could not begin, through a fault of our own."""


class Engine:
    """Calls, their shared surroundings, and the row counts that must add up at the end."""

    def __init__(self, settings: Configure, say: Callable[[FromEngine], None]) -> None:
        """Raises UsageError where the scenario or its corpus cannot be used."""
        self._settings = settings
        self._say = say
        self._calls: dict[int, Call] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._rows: Counter[str] = Counter()
        self._storms: dict[str, StormClock] = {}
        self._degraded: set[tuple[str, int]] = set()
        """Callers, by scenario and number, whose next call is to be opened in another codec."""

        target = named_target(settings.target)
        self._plans: dict[str, Plan] = {}
        for path in settings.scenarios:
            plan = Plan(Path(path), target, _asked(settings.transport), _asked(settings.codec))
            if plan.scenario.name in self._plans:
                raise plan.scenario.error(
                    ("name",), f"two scenarios of the run are named '{plan.scenario.name}'"
                )
            plan.encode_clips()
            if plan.scenario.transport == "webrtc":
                import rtbench.engine.webrtc_line  # noqa: F401  # half a second, which the first call should not pay
                from rtbench.transports.webrtc import prepare

                prepare()
            self._plans[plan.scenario.name] = plan
        self._alarms = AlarmClock(asyncio.get_running_loop())
        self._doorway = Doorway(self._alarms, self._start)
        inbox = Inbox()
        self._health = HealthMonitor(
            settings.worker,
            self._alarms,
            sessions_alive=lambda: len(self._calls),
            rows_sent=lambda: self._rows["turns"] + self._rows["sessions"],
            emit=lambda row: self._emit("generator", row),
            tasks_alive=lambda: len(asyncio.all_tasks()),
            take_inbox_lag_ns=inbox.take_lag_max_ns,
        )
        self._trace = Trace(
            Path(settings.run_directory) / "trace",
            settings.worker,
            DIALECTS[target.dialect].wire_type,
            keep_words=all(plan.scenario.record.transcripts for plan in self._plans.values()),
        )
        self._darkroom = Darkroom()
        self._around = Surroundings(
            alarms=self._alarms,
            lateness=self._health.lateness,
            unix_offset_ns=unix_offset_ns(),
            sessions_alive=lambda: len(self._calls),
            emit=self._emit,
            darkroom=self._darkroom,
            inbox=inbox,
        )
        self._health.start()

    async def probe(self) -> None:
        """Try the target once for each scenario's model. Raises TargetError."""
        for plan in self._plans.values():
            if plan.scenario.transport == "webrtc":
                await probe_media(plan.target, plan.dialect, plan.session, plan.scenario.webrtc_offer)
            else:
                await probe(plan.target, plan.dialect, plan.scenario.session.model)

    def start_call(self, order: StartCall) -> None:
        """Begin a conversation as soon as may be; `CallOver` is said when it has ended, or cannot begin."""
        self._doorway.enter(order)

    def _start(self, order: StartCall) -> None:
        """Begin a conversation; where that fails the others go on."""
        try:
            self._begin(order)
        except Exception as error:
            self._give_up(order, error)

    def _begin(self, order: StartCall) -> None:
        plan, keys = self._plans[order.scenario], self._keys(order)
        caller = (order.scenario, order.user)
        if caller in self._degraded and plan.fallback is not None:
            plan = plan.fallback
        phase_ns = int(order.call * GOLDEN_RATIO % 1 * plan.frame_ns)
        self._expect_storm(order.scenario, plan)
        call = Call(self._around, plan, keys, order.seed, phase_ns, self._trace.session(keys.session))
        if plan is not self._plans[order.scenario]:
            call.conversation.session.network.fall_back(monotonic_ns())
        self._calls[order.call] = call
        self._tasks[order.call] = asyncio.get_running_loop().create_task(self._hold(order.call, call, caller))

    def _give_up(self, order: StartCall, error: Exception) -> None:
        """A call that could not begin has failed; its session's row says why."""
        detail = f"{type(error).__name__}: {error}"
        now = monotonic_ns()
        session = Session(
            error_class=NOT_BEGUN,
            error_detail=detail,
            planned_ns=now,
            ended_ns=now,
            errors=Counter([NOT_BEGUN]),
        )
        if order.scenario in self._plans:
            idle = {"bytes_sent": 0, "bytes_received": 0, "frames_sent": 0, "frame_late_max_ms": 0.0}
            at_unix_ns = now + self._around.unix_offset_ns
            row = session_row(self._keys(order), session, Counter(), at_unix_ns=at_unix_ns, **idle)
            self._emit("sessions", row)
        self._say(CallOver(order.call, session.outcome, NOT_BEGUN, detail))

    def _keys(self, order: StartCall) -> RowKeys:
        return RowKeys(
            worker=self._settings.worker,
            session=f"{self._settings.worker}-{order.call:06d}",
            user=order.user,
            iteration=order.iteration,
            scenario=order.scenario,
            transport=self._plans[order.scenario].scenario.transport,
        )

    def _expect_storm(self, scenario: str, plan: Plan) -> None:
        """A scenario's storms are counted from its first call on."""
        storm = plan.scenario.storm
        if storm is None or scenario in self._storms:
            return

        def calls() -> list[Call]:
            return [call for call in self._calls.values() if call.scenario == scenario]

        self._storms[scenario] = StormClock(storm, plan.scenario.seed, calls, self._alarms)

    def stop_call(self, order: StopCall) -> None:
        """End a conversation that may have ended by itself meanwhile."""
        self._doorway.hurry(order.call)
        call = self._calls.get(order.call)
        if call is not None:
            call.stop(abort=order.abort)

    async def shut_down(self) -> None:
        """Abort what still runs, write the last rows, and say goodbye."""
        for storm in self._storms.values():
            storm.stop()
        self._doorway.hurry_all()
        for call in list(self._calls.values()):
            call.stop(abort=True)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=5.0)
        self._health.stop()
        self._alarms.close()
        self._darkroom.close()
        lost = self._trace.close()
        self._say(Goodbye(rows=dict(self._rows), trace_error=lost))

    async def _hold(self, number: int, call: Call, caller: tuple[str, int]) -> None:
        try:
            await call.hold()
        finally:
            del self._calls[number], self._tasks[number]
            session = call.conversation.session
            if session.network.degraded_intervals and self._plans[caller[0]].fallback is not None:
                self._degraded.add(caller)
            self._say(CallOver(number, session.outcome, session.error_class, session.error_detail))

    def _emit(self, table: str, row: dict[str, Any]) -> None:
        self._rows[table] += 1
        self._say(Row(table, row))


def _asked(name: str) -> Any:
    """A name from the command line, which has checked it; None where it leaves it to the scenario."""
    return name or None
