"""What may end a run before its time: it sees every row that is kept, and is asked now and then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from rtbench.core.errors import RtbenchError


@runtime_checkable
class Guard(Protocol):
    """A threshold that may end the run, or a budget."""

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """One finished row of a table."""

    def stop(self, elapsed_s: float) -> RtbenchError | None:
        """Why the run is to end, with the exit code that it then has; None as long as it may go on."""
