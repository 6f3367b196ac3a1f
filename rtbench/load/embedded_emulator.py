"""The emulator that a run starts for itself when no target is named."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from rtbench.core.errors import TargetUnreachable
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
        self._shares: list[float] = []

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

    def note_load(self) -> None:
        """See how busy its processes were since the last call; to be called about once a second."""
        with contextlib.suppress(psutil.Error):  # it may be gone, which `death` tells
            main = psutil.Process(self._process.pid)
            there = {process.pid: process for process in (main, *main.children(recursive=True))}
            self._watched = {pid: self._watched.get(pid, process) for pid, process in there.items()}
            self._shares.append(max(process.cpu_percent() for process in self._watched.values()) / 100)

    @property
    def cpu_share(self) -> float | None:
        """The share of a core that its busiest process stayed below in 95% of the looks; None before the second."""
        ordered = sorted(self._shares[1:])  # psutil counts from the first look on
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None

    def stop(self) -> None:
        self._process.stop()
