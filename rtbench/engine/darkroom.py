"""Develops pictures and recordings of calls in a thread of its own, so that no call is kept waiting for another's picture.

Ten seconds of Opus take 20 ms to decode, which is a frame sent late by as much in every call of the engine. The decoders
let go of the interpreter while they work.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rtbench.engine.ledger import Develop, Emit, MakeRow


class Darkroom:
    """One thread, which develops one picture after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="darkroom")

    def developer(self, emit: Emit, under_way: set[asyncio.Task[None]]) -> Develop:
        """What a ledger gives its pictures to; those that are not done yet are in `under_way`."""

        async def work(table: str, make_row: MakeRow) -> None:
            row: dict[str, Any] = await asyncio.get_running_loop().run_in_executor(self._thread, make_row)
            emit(table, row)

        def develop(table: str, make_row: MakeRow) -> None:
            task = asyncio.ensure_future(work(table, make_row))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        return develop

    def close(self) -> None:
        """Give the thread back; what is not developed by now never will be."""
        self._thread.shutdown(wait=True, cancel_futures=True)
