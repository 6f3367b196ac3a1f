"""The first failure of a run: the one that is told, whatever follows from it."""

from __future__ import annotations

from collections.abc import Callable

from rtbench.core.errors import RtbenchError

OnFailure = Callable[[RtbenchError], None]


class FirstFailure:
    """Why a run cannot go on."""

    def __init__(self, on_failure: OnFailure) -> None:
        """`on_failure(error)` is called with the first error of each run."""
        self.error: RtbenchError | None = None
        self._on_failure = on_failure

    def tell(self, error: RtbenchError) -> None:
        """The run cannot go on; the first reason is the one that is told."""
        if self.error is None:
            self.error = error
            self._on_failure(error)

    def forget(self) -> None:
        """A new run begins."""
        self.error = None
