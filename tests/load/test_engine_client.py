"""A worker's end of its engine, over a real socket pair; the test is the engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from rtbench.core.errors import RtbenchError, RunInvalid
from rtbench.engine.messages import (
    CallOver,
    Configure,
    Goodbye,
    Ready,
    Refused,
    Row,
    Shutdown,
    StartCall,
    StopCall,
    ToEngine,
    Unpacker,
    pack,
)
from rtbench.load import engine_client
from rtbench.load.engine_client import EngineClient

SETTINGS = Configure("w0", ["a.yaml"], "http://127.0.0.1:9/v1", "openai_ga", "websocket", "run")


class FakeEngine:
    """The other end of the pipe, and the process that would hold it."""

    pid = 4711

    def __init__(self, command: list[str], pass_fds: list[int], **options: Any) -> None:
        self.command, self.options = command, options
        self.socket = socket.socket(fileno=os.dup(pass_fds[0]))
        self.status = 0
        self.hangs = False
        self.killed = False
        self._orders: list[Any] = []
        self._unpacker = Unpacker(ToEngine)

    def wait(self, timeout: float | None = None) -> int:
        if self.hangs and not self.killed:
            raise subprocess.TimeoutExpired(self.command, timeout or 0.0)
        return self.status

    def kill(self) -> None:
        self.killed = True
        if self.hangs:
            self.die(-9)

    def order(self) -> Any:
        """The next order that comes."""
        while not self._orders:
            self._orders += self._unpacker.feed(self.socket.recv(65_536))
        return self._orders.pop(0)

    def say(self, *messages: Any) -> None:
        self.socket.sendall(b"".join(map(pack, messages)))

    def die(self, status: int) -> None:
        self.status = status
        self.socket.close()


@pytest.fixture
def rows() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def deaths() -> list[str]:
    return []


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    engines: list[FakeEngine] = []

    def start(*args: Any, **options: Any) -> FakeEngine:
        engines.append(FakeEngine(*args, **options))
        return engines[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return engines


@pytest.fixture
def client(engines, rows, deaths, monkeypatch) -> Iterator[EngineClient]:
    client = EngineClient(lambda table, row: rows.append((table, row)), deaths.append)
    yield client
    engines[0].socket.close()
    monkeypatch.setattr(engine_client, "GOODBYE_TIMEOUT_S", 0.01)
    client.shut_down()


@pytest.fixture
def engine(client, engines) -> FakeEngine:
    return engines[0]


def test_the_engine_gets_its_end_of_the_pipe_and_no_ctrl_c(client, engine) -> None:
    assert engine.command[1:3] == ["-m", "rtbench.engine"]
    assert engine.command[3].isdecimal()
    assert engine.options == {"start_new_session": True}
    assert client.pid == 4711


def test_it_is_configured_when_it_says_that_it_is_ready(client, engine) -> None:
    configuring = gevent.spawn(client.configure, SETTINGS)
    assert engine.order() == SETTINGS
    assert not configuring.ready()
    engine.say(Ready())
    configuring.get()


def test_a_refusal_is_told_in_the_engines_words_with_its_code(client, engine) -> None:
    engine.say(Refused("nobody there", 5))
    with pytest.raises(RtbenchError, match=r"^nobody there$") as caught:
        client.configure(SETTINGS)
    assert caught.value.exit_code == 5


def test_an_engine_that_is_not_ready_in_time_is_given_up(client, monkeypatch) -> None:
    monkeypatch.setattr(engine_client, "START_TIMEOUT_S", 0.001)
    with pytest.raises(RunInvalid, match=r"not ready within"):
        client.configure(SETTINGS)


def test_an_engine_that_dies_before_it_is_ready_is_not_waited_for(client, engine, deaths) -> None:
    engine.die(-9)
    with pytest.raises(RunInvalid, match=r"ended before it was ready: killed by signal 9\.$"):
        client.configure(SETTINGS)
    assert deaths == ["killed by signal 9"]


def test_a_call_lasts_until_the_engine_says_that_it_is_over(client, engine) -> None:
    call = client.start_call("brief", user=3, iteration=1, seed=99)
    assert engine.order() == StartCall(0, "brief", 3, 1, 99)
    assert client.calls == 1
    over = CallOver(0, "completed")
    engine.say(over)
    assert call.wait() == over
    assert client.calls == 0


def test_calls_that_end_in_another_order_are_told_apart(client, engine) -> None:
    first, second = (client.start_call("brief", user, 0, 99) for user in (0, 1))
    engine.say(CallOver(1, "dropped", "close"), CallOver(0, "completed"))
    assert (first.wait().outcome, second.wait().outcome) == ("completed", "dropped")


def test_rows_are_handed_on_in_order_before_the_end_of_their_call(client, engine, rows) -> None:
    call = client.start_call("brief", 0, 0, 99)
    sent = [("turns", {"number": 1}), ("sessions", {"outcome": "completed"})]
    engine.say(*(Row(table, columns) for table, columns in sent), CallOver(0, "completed"))
    call.wait()
    assert rows == sent


@pytest.mark.parametrize("abort", [False, True])
def test_a_call_is_stopped_after_its_turn_or_at_once(client, engine, abort) -> None:
    call = client.start_call("brief", 0, 0, 99)
    call.stop(abort=abort)
    engine.order()
    assert engine.order() == StopCall(0, abort=abort)


def test_draining_waits_for_every_call(client, engine) -> None:
    for user in (0, 1):
        client.start_call("brief", user, 0, 99)
    draining = gevent.spawn(client.drain)
    assert [engine.order() for _ in range(4)][2:] == [StopCall(0), StopCall(1)]
    engine.say(CallOver(0, "drained"))
    gevent.idle()
    assert not draining.ready()
    engine.say(CallOver(1, "drained"))
    draining.get()


def test_the_engines_last_words_are_its_count_of_rows(client, engine, rows, deaths) -> None:
    ending = gevent.spawn(client.shut_down)
    assert engine.order() == Shutdown()
    engine.say(Row("turns", {"number": 1}), Goodbye({"turns": 1}))
    engine.socket.close()
    assert ending.get() == Goodbye({"turns": 1})
    assert rows == [("turns", {"number": 1})]
    assert (deaths, engine.killed) == ([], False)


def test_a_call_that_the_engine_left_open_is_dropped_when_it_ends(client, engine) -> None:
    call = client.start_call("brief", 0, 0, 99)
    engine.say(Goodbye({}))
    engine.socket.close()
    client.shut_down()
    over = call.wait()
    assert (over.outcome, over.error_class) == ("dropped", "engine_died")


def test_an_engine_that_does_not_end_is_killed(client, engine, monkeypatch) -> None:
    monkeypatch.setattr(engine_client, "GOODBYE_TIMEOUT_S", 0.001)
    engine.hangs = True
    assert client.shut_down() is None
    assert engine.killed


@pytest.mark.parametrize(("status", "how"), [(-11, "killed by signal 11"), (1, "exit status 1")])
def test_calls_of_an_engine_that_dies_are_dropped_and_its_death_is_told_once(
    client, engine, deaths, status, how
) -> None:
    call = client.start_call("brief", 0, 0, 99)
    engine.die(status)
    assert call.wait() == CallOver(0, "dropped", "engine_died", how)
    assert deaths == [how]


def test_a_call_of_an_engine_that_is_gone_is_over_at_once(client, engine) -> None:
    client.start_call("brief", 0, 0, 99)
    engine.die(1)
    gevent.idle()
    later = client.start_call("brief", 1, 0, 99)
    assert later.wait().error_class == "engine_died"
    assert client.calls == 0


def test_what_is_no_message_is_the_end_of_the_engine(client, engine, deaths) -> None:
    call = client.start_call("brief", 0, 0, 99)
    engine.socket.sendall(b"\x00\x00\x00\x01\xc1")
    assert call.wait().error_class == "engine_died"
    assert len(deaths) == 1


def test_a_client_looks_after_its_engine_until_that_has_fallen_silent(
    client, engine, deaths, monkeypatch
) -> None:
    monkeypatch.setattr(engine_client, "LOOK_S", 0.001)
    engine.say(Ready())
    client.configure(SETTINGS)
    engine.hangs = True
    call = client.start_call("brief", 0, 0, 99)
    over = call.wait()
    assert (over.outcome, over.error_class) == ("dropped", "engine_died")
    assert engine.killed
    assert client.fell_silent
    assert deaths == ["no sign of life for 0 s"]


def test_an_engine_is_given_up_at_the_last_of_so_many_looks_in_a_row(client, engine) -> None:
    engine.hangs = True
    for _ in range(engine_client.SILENCE_LOOKS - 1):
        client.look()
    assert not engine.killed
    client.look()
    assert engine.killed
    assert client.fell_silent


def test_any_word_of_the_engine_is_a_sign_of_life(client, engine, rows, deaths) -> None:
    engine.hangs = True
    for number in range(2):
        for _ in range(engine_client.SILENCE_LOOKS - 1):
            client.look()
        call = client.start_call("brief", 0, 0, 99)
        engine.say(Row("generator", {}), CallOver(number, "completed"))
        call.wait()  # so the words have been read
    assert len(rows) == 2
    assert not engine.killed
    assert deaths == []


def test_an_engine_that_died_by_itself_did_not_fall_silent(client, engine, deaths) -> None:
    call = client.start_call("brief", 0, 0, 99)
    engine.die(-11)
    call.wait()
    assert deaths == ["killed by signal 11"]
    assert not client.fell_silent


def test_the_end_of_an_engine_has_a_limit_of_its_own_even_where_nothing_can_be_told_to_it(
    client, engine, monkeypatch
) -> None:
    monkeypatch.setattr(engine_client, "GOODBYE_TIMEOUT_S", 0.01)
    monkeypatch.setattr(client, "send", lambda order: gevent.sleep(60))
    engine.hangs = True
    assert client.shut_down() is None
    assert engine.killed
