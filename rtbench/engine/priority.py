"""Who goes first on a busy core: whoever keeps time by the clock, before whoever only works."""

from __future__ import annotations

import contextlib
import os
import threading

PACING_NICENESS = -10
"""As audio servers take it: a frame due now goes before a report, a page or a compiler that can wait."""

BACKGROUND_NICENESS = 19


def prefer_this_process() -> None:
    """Go before ordinary processes where the system allows it (root, or CAP_SYS_NICE); else change nothing."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PACING_NICENESS)


def yield_this_thread() -> None:
    """Let every other thread go first; on Linux niceness belongs to the thread, elsewhere to the process: then nothing."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)
