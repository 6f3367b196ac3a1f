"""Pictures come out of another thread, one after the other, and their rows are written in the loop."""

import asyncio
import threading

from rtbench.engine.darkroom import Darkroom


def test_a_picture_is_developed_elsewhere_and_its_row_is_written_here() -> None:
    rows, threads = [], []

    def make(number: int) -> dict[str, int]:
        threads.append(threading.current_thread())
        return {"turn": number}

    async def steps() -> None:
        darkroom, under_way = Darkroom(), set()
        develop = darkroom.developer(
            lambda table, row: rows.append((table, row, threading.current_thread())), under_way
        )
        develop("waveforms", lambda: make(1))
        develop("recordings", lambda: make(2))
        assert len(under_way) == 2 and not rows
        await asyncio.wait(under_way)
        darkroom.close()
        assert not under_way

    asyncio.run(steps())
    here = threading.main_thread()
    assert rows == [("waveforms", {"turn": 1}, here), ("recordings", {"turn": 2}, here)]
    assert len(set(threads)) == 1 and here not in threads


def test_the_loop_goes_on_while_a_picture_is_developed() -> None:
    async def steps() -> None:
        darkroom, under_way, light = Darkroom(), set(), threading.Event()

        def make() -> dict[str, bool]:
            return {"dark": light.wait(10)}

        rows = []
        darkroom.developer(lambda table, row: rows.append(row), under_way)("waveforms", make)
        light.set()  # only a loop that goes on comes here while `make` waits
        await asyncio.wait(under_way)
        darkroom.close()
        assert rows == [{"dark": True}]

    asyncio.run(steps())


def test_what_is_not_developed_when_it_closes_never_will_be() -> None:
    async def steps() -> None:
        darkroom, under_way, begun, light = Darkroom(), set(), threading.Event(), threading.Event()
        rows = []
        develop = darkroom.developer(lambda table, row: rows.append(row), under_way)

        def slow() -> dict[str, int]:
            begun.set()
            light.wait(10)
            return {"turn": 1}

        develop("waveforms", slow)
        develop("waveforms", lambda: {"turn": 2})
        tasks = set(under_way)
        await asyncio.to_thread(begun.wait, 10)
        light.set()
        darkroom.close()
        await asyncio.wait(tasks)
        assert rows[0] == {"turn": 1} and len(rows) + sum(task.cancelled() for task in tasks) == 2

    asyncio.run(steps())
