"""The emulator that a run starts for itself when no target is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtbench.core.errors import TargetUnreachable
from rtbench.emulator.process import EmulatorProcess


class EmbeddedEmulator:
    """One emulator process on loopback, for as long as a run needs it."""

    def __init__(self, settings: Mapping[str, Any], corpus: Path, log: Path) -> None:
        """Start it and wait until it listens; `settings` are a profile's. Raises RtbenchError where it does not come up."""
        self._process = EmulatorProcess(profile=settings, corpus=corpus, log=log)

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

    def stop(self) -> None:
        self._process.stop()
