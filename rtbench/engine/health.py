"""The load generator's own health: lateness, loop lag, collector pauses, processor share. Doubt in numbers."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import psutil

from rtbench.clock import NS_PER_MS, cpu_ns, monotonic_ns, unix_ns
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.starvation import read_starvation

INTERVAL_NS = 1_000 * NS_PER_MS
PROBE_NS = 50 * NS_PER_MS
"""How often the loop's lag is probed: 20 samples a row, at no cost worth naming."""

GC_THRESHOLDS = (10_000, 50, 100)
"""Against Python's (700, 10, 10): an engine makes few cycles, and a full collection over many sessions' objects
holds the loop for tens of milliseconds. A collection of the youngest takes a millisecond at this size."""


class HealthMonitor:
    """Writes one `generator` row a second to `emit`."""

    def __init__(
        self,
        worker: str,
        alarms: AlarmClock,
        sessions_alive: Callable[[], int],
        rows_sent: Callable[[], int],
        emit: Callable[[dict[str, Any]], None],
        tasks_alive: Callable[[], int] = lambda: 0,
        take_inbox_lag_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        """`tasks_alive` are those of the engine's event loop; `take_inbox_lag_ns` tells how long what arrived has waited,
        at most, since it was last asked."""
        self.lateness = LatenessLog()
        self._worker = worker
        self._alarms = alarms
        self._sessions_alive = sessions_alive
        self._rows_sent = rows_sent
        self._emit = emit
        self._tasks_alive = tasks_alive
        self._take_inbox_lag_ns = take_inbox_lag_ns
        self._process = psutil.Process()
        self._since_ns = monotonic_ns()
        self._cpu_ns = cpu_ns()
        self._lag_max_ns = 0
        self._starvation = read_starvation()
        self._pauses_ns: list[int] = []
        self._collecting_since_ns = 0
        self._gc_thresholds = gc.get_threshold()

    def start(self) -> None:
        """Begin to watch; the collector is tamed from here on."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        gc.callbacks.append(self._watch_collector)
        self._probe_at(monotonic_ns() + PROBE_NS)
        self._alarms.call_at(self._since_ns + INTERVAL_NS, self._report)

    def stop(self) -> None:
        """Write the last row, and leave the collector as it was; the owner of the alarms closes them."""
        gc.callbacks.remove(self._watch_collector)
        gc.set_threshold(*self._gc_thresholds)
        gc.unfreeze()
        self._write(monotonic_ns())

    def _probe_at(self, due_ns: int) -> None:
        self._alarms.call_at(due_ns, lambda now: self._probe(now, due_ns))

    def _probe(self, now: int, due_ns: int) -> None:
        self._lag_max_ns = max(self._lag_max_ns, now - due_ns)
        self._probe_at(now + PROBE_NS)

    def _report(self, now: int) -> None:
        self._write(now)
        self._alarms.call_at(now + INTERVAL_NS, self._report)

    def _write(self, now: int) -> None:
        frames, late_max_ms, histogram = self.lateness.take()
        used_ns = cpu_ns()
        elapsed_ns = max(1, now - self._since_ns)
        starvation = read_starvation()
        starved, self._starvation = starvation.since(self._starvation), starvation
        self._emit(
            {
                "worker": self._worker,
                "at_unix_ns": unix_ns(),
                "interval_ms": elapsed_ns / NS_PER_MS,
                "sessions": self._sessions_alive(),
                "cpu_share": (used_ns - self._cpu_ns) / elapsed_ns,
                "loop_lag_max_ms": max(self._lag_max_ns, self._take_inbox_lag_ns()) / NS_PER_MS,
                "gc_pause_max_ms": max(self._pauses_ns, default=0) / NS_PER_MS,
                "gc_pause_total_ms": sum(self._pauses_ns) / NS_PER_MS,
                "frames_sent": frames,
                "send_lateness_max_ms": late_max_ms,
                "send_lateness": histogram,
                "rows_written": self._rows_sent(),
                "rss_bytes": self._process.memory_info().rss,
                "open_files": self._process.num_fds(),
                "tasks": self._tasks_alive(),
                **starved._asdict(),
            }
        )
        self._since_ns, self._cpu_ns = now, used_ns
        self._lag_max_ns = 0
        self._pauses_ns = []

    def _watch_collector(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since_ns = monotonic_ns()
        else:
            self._pauses_ns.append(monotonic_ns() - self._collecting_since_ns)
