"""The emulator that a run starts for itself when no target is named."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from rtbench.clock import unix_ns
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.core.errors import TargetUnreachable
from rtbench.emulator.health import HEALTH_LOG
from rtbench.emulator.process import EmulatorProcess


class EmbeddedEmulator:
    """One emulator process on loopback, for as long as a run needs it."""

    def __init__(
        self, settings: Mapping[str, Any], corpus: Path, log: Path, codecs: Sequence[str] = ()
    ) -> None:
        """Start it and wait until it listens, ready for WebRTC calls in these codecs; `settings` are a profile's.

        Raises RtbenchError where it does not come up.
        """
        self._process = EmulatorProcess(profile=settings, corpus=corpus, log=log, codecs=codecs)
        self._watched: dict[int, psutil.Process] = {}
        self._health_log = log.with_name(HEALTH_LOG)
        self._read_bytes = 0
        self.load = EmulatorLoad()

    @property
    def url(self) -> str:
        return self._process.url

    @property
    def pid(self) -> int:
        return self._process.pid

    def death(self) -> TargetUnreachable | None:
        """What to say if it is gone; None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        return TargetUnreachable(f"The embedded emulator went away in mid-run ({how}).")

    def note_load(self) -> dict[str, Any] | None:
        """See how busy it was since the last call, to be called about once a second; the row for `load`.

        None where nothing is known: at the first look, and where it is gone, which `death` tells.
        """
        lag_ms = self._told_lag_ms()
        share = self._cpu_share()
        if share is None and lag_ms is None:
            return None
        row = {"at_unix_ns": unix_ns(), "cpu_share": share, "loop_lag_max_ms": lag_ms}
        self.load.take(row)
        return row

    def _cpu_share(self) -> float | None:
        """Of a core, by its busiest process."""
        first, shares = not self._watched, []
        with contextlib.suppress(psutil.Error):  # it may be gone
            main = psutil.Process(self._process.pid)
            there = {process.pid: process for process in (main, *main.children(recursive=True))}
            self._watched = {pid: self._watched.get(pid, process) for pid, process in there.items()}
            shares = [process.cpu_percent() for process in self._watched.values()]
        return None if first or not shares else max(shares) / 100  # psutil counts from the first look on

    def _told_lag_ms(self) -> float | None:
        """How late its event loop was at the most, by the whole lines that its own log has got since the last look."""
        try:
            with self._health_log.open("rb") as log:
                log.seek(self._read_bytes)
                told = log.read()
        except OSError:
            return None
        whole = told[: told.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return max((float(json.loads(line)["loop_lag_max_ms"]) for line in whole.splitlines()), default=None)

    def stop(self) -> None:
        self._process.stop()
