import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import rtbench
from rtbench.engine import __main__ as process
from rtbench.engine.messages import (
    CallOver,
    FromEngine,
    Goodbye,
    Ready,
    Refused,
    Shutdown,
    StartCall,
    Unpacker,
    pack,
)
from rtbench.results.reader import read_trace
from rtbench.results.run_directory import RunDirectory

ONE_TURN = ("times: 2", "times: 1")


class PipeEnd:
    """A worker's end of the pair."""

    def __init__(self, ours: socket.socket) -> None:
        self._ours = ours
        self._unpacker = Unpacker(FromEngine)
        self._arrived: list[FromEngine] = []

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(sock=self._ours)

    def order(self, *orders) -> None:
        for order in orders:
            self._writer.write(pack(order))

    async def next(self, kind: type) -> FromEngine:
        """The next message of a kind; others that come before are let go."""
        while True:
            while self._arrived:
                message = self._arrived.pop(0)
                if isinstance(message, kind):
                    return message
            data = await self._reader.read(65536)
            assert data, f"the engine was gone before it said {kind.__name__}"
            self._arrived += self._unpacker.feed(data)

    async def rest(self) -> list[FromEngine]:
        """All until the engine closes its end."""
        while data := await self._reader.read(65536):
            self._arrived += self._unpacker.feed(data)
        return self._arrived

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@pytest.fixture
def piped(served):
    """Plays `scene(service, worker, engine)`, `engine` being the task that serves the other end of the pair."""

    def play(scene):
        async def stage():
            async with served() as service, asyncio.timeout(30):
                ours, theirs = socket.socketpair()
                worker = PipeEnd(ours)
                await worker.open()
                engine = asyncio.create_task(process.serve(theirs))
                try:
                    return await scene(service, worker, engine)
                finally:
                    await worker.close()

        return asyncio.run(stage())

    return play


def test_an_engine_obeys_its_pipe_and_ends_when_told_to(piped, scenario_file, tmp_path, settings_of) -> None:
    async def scene(service, worker, engine) -> list[FromEngine]:
        worker.order(settings_of(service.url, tmp_path, scenario_file(ONE_TURN)))
        assert await worker.next(Ready) == Ready()
        worker.order(StartCall(0, "pushed", user=0, iteration=0, seed=0))
        assert await worker.next(CallOver) == CallOver(0, "completed")
        worker.order(Shutdown())
        rest = await worker.rest()
        await engine
        return rest

    goodbye = piped(scene)[-1]
    assert isinstance(goodbye, Goodbye)
    assert (goodbye.rows["turns"], goodbye.rows["sessions"]) == (1, 1)


def test_an_engine_refuses_in_its_own_words_what_it_cannot_run(
    piped, scenario_file, refused_url, tmp_path, settings_of
) -> None:
    async def scene(service, worker, engine) -> tuple[Refused, Refused]:
        worker.order(settings_of(service.url, tmp_path, tmp_path / "absent.yaml"))
        unusable = await worker.next(Refused)
        worker.order(settings_of(refused_url, tmp_path, scenario_file()))
        unreachable = await worker.next(Refused)
        worker.order(Shutdown())
        await worker.rest()
        await engine
        return unusable, unreachable

    unusable, unreachable = piped(scene)
    assert unusable.exit_code == 1
    assert "absent.yaml" in unusable.message
    assert unreachable.exit_code == 5
    assert "cannot be reached" in unreachable.message


def test_an_engine_whose_worker_is_gone_hangs_up_and_saves_its_trace(
    piped, scenario_file, tmp_path, settings_of
) -> None:
    async def scene(service, worker, engine) -> object:
        service.answer = lambda session: None
        worker.order(settings_of(service.url, tmp_path, scenario_file()))
        await worker.next(Ready)
        worker.order(StartCall(0, "pushed", user=0, iteration=0, seed=0))
        await service.asked.wait()
        await worker.close()
        await engine
        return service.sessions[-1]

    session = piped(scene)
    trace = read_trace(RunDirectory(tmp_path), ["w4-000000"])
    assert "response.create" in trace["type"].tolist()
    assert session.close == (1000, "")


def test_an_engine_that_is_told_to_end_and_left_at_once_still_saves_its_trace(
    piped, scenario_file, tmp_path, settings_of
) -> None:
    async def scene(service, worker, engine) -> None:
        service.answer = lambda session: None
        worker.order(settings_of(service.url, tmp_path, scenario_file()))
        await worker.next(Ready)
        worker.order(StartCall(0, "pushed", user=0, iteration=0, seed=0))
        await service.asked.wait()
        worker.order(Shutdown())
        await worker.close()
        await engine

    piped(scene)
    assert len(read_trace(RunDirectory(tmp_path), ["w4-000000"])) > 3


def test_a_failure_that_nobody_foresaw_ends_the_engine(
    piped, scenario_file, tmp_path, monkeypatch, settings_of
) -> None:
    """Its worker then knows at once, instead of waiting until it loses its patience."""

    def fail(*args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(process, "Engine", fail)

    async def scene(service, worker, engine) -> None:
        worker.order(settings_of(service.url, tmp_path, scenario_file()))
        assert await worker.rest() == []
        with pytest.raises(RuntimeError, match="a bug"):
            await engine

    piped(scene)


def test_the_process_runs_a_call_and_exits_with_0_though_ctrl_c_was_pressed(
    served, scenario_file, tmp_path, settings_of
) -> None:
    async def scene() -> tuple[int, list[FromEngine]]:
        async with served() as service, asyncio.timeout(30):
            ours, theirs = socket.socketpair()
            descriptor = theirs.fileno()
            engine = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rtbench.engine", str(descriptor)),
                pass_fds=[descriptor],
                cwd=Path(rtbench.__file__).parent.parent,
                env={**os.environ, "PYTHONWARNINGS": "error"},
            )
            theirs.close()
            worker = PipeEnd(ours)
            await worker.open()
            worker.order(settings_of(service.url, tmp_path, scenario_file(ONE_TURN)))
            await worker.next(Ready)
            engine.send_signal(signal.SIGINT)
            worker.order(StartCall(3, "pushed", user=3, iteration=0, seed=3))
            over = await worker.next(CallOver)
            worker.order(Shutdown())
            rest = await worker.rest()
            await worker.close()
            return await engine.wait(), [over, *rest]

    status, said = asyncio.run(scene())
    assert status == 0
    assert said[0] == CallOver(3, "completed")
    assert said[-1].rows["sessions"] == 1
    (shard,) = (tmp_path / "trace").iterdir()
    details = pq.read_table(shard).column("detail").to_pylist()
    assert all(isinstance(json.loads(detail), dict) for detail in details)
