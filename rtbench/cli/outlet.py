"""Standard output whose reader may go: `rtbench compare ... | head -1` ends with the exit code that it comes to.

Without this a print to nobody raises somewhere in the middle of a command, which then never comes to its exit code.
"""

from __future__ import annotations

import io
import os
from typing import Any, TextIO


class _Outlet(io.FileIO):
    """A file descriptor; once nobody reads it any more, what is written goes nowhere."""

    def write(self, written: Any, /) -> int:
        try:
            return super().write(written)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(written)


def outliving_reader(stream: TextIO) -> TextIO:
    """The same standard stream, which takes what is written even when its reader has gone."""
    stream.flush()
    outlet = io.BufferedWriter(_Outlet(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(
        outlet,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=getattr(stream, "line_buffering", False),
    )
