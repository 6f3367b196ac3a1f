"""How long this process was kept from a processor though it had something to do, and by whom; Linux tells, others do not.

Two counters that only grow. What the kernel gave to other processes is counted for the main thread, which is the
event loop's (`/proc/self/schedstat`, second number, ns). What a hypervisor gave to other machines is counted for all
processors together (`/proc/stat`, `steal`, in clock ticks); no process knows how much of it was its own loss.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

SCHEDSTAT = Path("/proc/self/schedstat")
STAT = Path("/proc/stat")
_STEAL = 8
"""Place in the first line of `/proc/stat`, the word `cpu` counted (proc_stat(5))."""


class Starvation(NamedTuple):
    """Milliseconds; None where this system does not tell."""

    waited_ms: float | None
    """Ready to run, and others of this machine ran."""

    stolen_ms: float | None
    """Other machines of the hypervisor ran."""

    def since(self, before: Starvation) -> Starvation:
        """What was added since an earlier reading."""
        return Starvation(
            _difference(self.waited_ms, before.waited_ms), _difference(self.stolen_ms, before.stolen_ms)
        )


def read_starvation() -> Starvation:
    """Both counters now."""
    return Starvation(_waited_ms(), _stolen_ms())


def _waited_ms() -> float | None:
    try:
        return int(SCHEDSTAT.read_text().split()[1]) / 1e6
    except (OSError, ValueError, IndexError):
        return None


def _stolen_ms() -> float | None:
    try:
        with STAT.open() as lines:
            ticks = int(lines.readline().split()[_STEAL])
    except (OSError, ValueError, IndexError):
        return None
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
