"""The only reader of time.

Everything below this module takes `now` as an argument; everything above asks here. Instants of a
run are nanoseconds on the monotonic clock of one process; wall time serves provenance only.
"""

from __future__ import annotations

import time
from datetime import datetime

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

monotonic_ns = time.monotonic_ns
"""Nanoseconds on the monotonic clock (CLOCK_MONOTONIC on Linux): the clock of every measurement."""

cpu_ns = time.process_time_ns
"""Nanoseconds of processor time that this process has used, user and system together."""


def unix_ns() -> int:
    """Wall time in nanoseconds since 1970, for provenance and for lining up processes in a picture."""
    return time.time_ns()


def unix_offset_ns() -> int:
    """What to add to an instant of this process's monotonic clock to get wall time."""
    return time.time_ns() - time.monotonic_ns()


def local_time() -> datetime:
    """Wall time with the local time zone, for names of directories and headings of reports."""
    return datetime.now().astimezone()
