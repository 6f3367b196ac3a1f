"""The emulator's own health: how late its event loop is, and its share of a processor, once a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rtbench.clock import NS_PER_MS, cpu_ns, monotonic_ns, unix_ns
from rtbench.emulator.truth_file import TruthFile
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.health import INTERVAL_NS, PROBE_NS

HEALTH_LOG = "emulator_health.jsonl"
"""Stands beside the log of responses."""


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One second of an emulator, or whatever it took."""

    at_unix_ns: int
    interval_ms: float
    sessions: int
    """Open at its end."""

    cpu_share: float
    """Of one core."""

    loop_lag_max_ms: float
    """The latest of twenty alarms that were set for it."""


class HealthWatch:
    """Looks at the process that it is in, from `start` until its alarms are closed."""

    def __init__(self, alarms: AlarmClock, sessions: Callable[[], int], log: TruthFile | None) -> None:
        self.last: HealthRow | None = None
        """The last full second; None before it."""

        self._alarms = alarms
        self._sessions = sessions
        self._log = log
        self._since_ns = self._cpu_ns = self._lag_max_ns = 0

    def start(self) -> None:
        """Begin to look."""
        self._since_ns, self._cpu_ns = monotonic_ns(), cpu_ns()
        self._probe_at(self._since_ns + PROBE_NS)
        self._alarms.call_at(self._since_ns + INTERVAL_NS, self._report)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _probe_at(self, due_ns: int) -> None:
        self._alarms.call_at(due_ns, lambda now: self._probe(now, due_ns))

    def _probe(self, now: int, due_ns: int) -> None:
        self._lag_max_ns = max(self._lag_max_ns, now - due_ns)
        self._probe_at(now + PROBE_NS)

    def _report(self, now: int) -> None:
        used_ns, elapsed_ns = cpu_ns(), max(1, now - self._since_ns)
        self.last = HealthRow(
            at_unix_ns=unix_ns(),
            interval_ms=elapsed_ns / NS_PER_MS,
            sessions=self._sessions(),
            cpu_share=(used_ns - self._cpu_ns) / elapsed_ns,
            loop_lag_max_ms=self._lag_max_ns / NS_PER_MS,
        )
        if self._log is not None:
            self._log.write([self.last])
        self._since_ns, self._cpu_ns, self._lag_max_ns = now, used_ns, 0
        self._alarms.call_at(now + INTERVAL_NS, self._report)
