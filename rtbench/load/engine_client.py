"""A Locust worker's end of its engine: starts the process, orders calls, and takes what comes back.

The engine is a child by exec on a socket pair; it ends when this end closes, however this process
ends. Runs in gevent: one greenlet reads, any number of users wait for their calls.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gevent
import msgspec
from gevent import socket
from gevent.event import AsyncResult, Event

from rtbench.core.errors import ExitCode, RtbenchError, RunInvalid
from rtbench.engine.messages import (
    CallOver,
    Configure,
    FromEngine,
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

START_TIMEOUT_S = 60.0
GOODBYE_TIMEOUT_S = 15.0
EXIT_TIMEOUT_S = 2.0
ENGINE_DIED = "engine_died"

LOOK_S = 1.0
SILENCE_LOOKS = 10
"""So many looks in a row without a word of the engine, and it is given up: it has a row of its health to tell each second,
and a frame 20 ms late makes a turn void. Looks are counted, and not seconds, so that a whole machine that was
suspended is not taken for a silent engine."""


class EngineRefused(RtbenchError):
    """The engine cannot run what it was given; the sentence and the exit code are its own."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RunningCall:
    """A conversation that the engine holds."""

    def __init__(self, client: EngineClient, number: int) -> None:
        self._client = client
        self._number = number
        self.over: AsyncResult[CallOver] = AsyncResult()

    def wait(self) -> CallOver:
        """Until it is over."""
        over: CallOver = self.over.get()
        return over

    def stop(self, *, abort: bool = False) -> None:
        """End it after the turn under way, or at once."""
        self._client.send(StopCall(self._number, abort=abort))


class EngineClient:
    """One engine process and the calls that it holds.

    `on_row(table, columns)` gets every row; `on_death(reason)` is called once if the engine ends
    without having been told to. One that gives no sign of life is killed, as nothing else can end it:
    see `fell_silent`.
    """

    def __init__(
        self, on_row: Callable[[str, dict[str, Any]], None], on_death: Callable[[str], None]
    ) -> None:
        self._on_row = on_row
        self._on_death = on_death
        self._numbers = itertools.count()
        self._calls: dict[int, RunningCall] = {}
        self._ready: AsyncResult[None] = AsyncResult()
        self._goodbye: Goodbye | None = None
        self._closed = Event()
        self.fell_silent = False
        """It was killed, as nothing was heard of it for SILENCE_LOOKS looks."""

        self._silent_looks = 0
        self._watch: gevent.Greenlet | None = None
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rtbench.engine", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C goes to the whole group; the worker decides what becomes of the calls
        )
        theirs.close()
        self._reader = gevent.spawn(self._read)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def calls(self) -> int:
        """Conversations under way."""
        return len(self._calls)

    def configure(self, settings: Configure) -> None:
        """Tell the engine what to run, and wait until it is ready.

        Raises RtbenchError in the engine's own words where it refuses, RunInvalid where it does not come up.
        """
        self.send(settings)
        try:
            self._ready.get(timeout=START_TIMEOUT_S)
        except gevent.Timeout:
            raise RunInvalid(f"The engine was not ready within {START_TIMEOUT_S:.0f} s.") from None
        self._watch = gevent.spawn(self._watch_over)

    def start_call(self, scenario: str, user: int, iteration: int, seed: int) -> RunningCall:
        """Begin a conversation."""
        number = next(self._numbers)
        call = self._calls[number] = RunningCall(self, number)
        if self._closed.is_set():
            self._end_call(CallOver(number, "dropped", ENGINE_DIED))
        else:
            self.send(StartCall(number, scenario, user, iteration, seed))
        return call

    def drain(self, *, abort: bool = False) -> None:
        """Ask every conversation to end, and wait until all have."""
        calls = list(self._calls.values())
        for call in calls:
            call.stop(abort=abort)
        gevent.wait([call.over for call in calls])

    def shut_down(self) -> Goodbye | None:
        """End the engine; its last words, None where it died before them. Leaves no process behind."""
        if self._watch is not None:
            self._watch.kill()  # the end of a long trace takes its time, for which there is a limit of its own
        with gevent.Timeout(GOODBYE_TIMEOUT_S, False):
            self.send(Shutdown())
            self._closed.wait()
        self._socket.close()
        self._reader.kill()
        try:
            self._process.wait(timeout=GOODBYE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._end_calls("it did not end them")
        return self._goodbye

    def send(self, order: ToEngine) -> None:
        """Nothing happens where the engine is gone: its death is told by `on_death`."""
        try:
            self._socket.sendall(pack(order))
        except OSError:
            self._closed.set()

    def _read(self) -> None:
        unpacker = Unpacker(FromEngine)
        reason = "it closed its pipe"
        try:
            while data := self._socket.recv(256 * 1024):
                self._silent_looks = 0
                for message in unpacker.feed(data):
                    self._take(message)
        except (OSError, msgspec.DecodeError) as error:
            reason = str(error)
        self._closed.set()
        if self._goodbye is None:
            self._bury(reason)

    def _watch_over(self) -> None:
        """Until the engine ends, or is ended here as it has fallen silent."""
        while not self._closed.wait(timeout=LOOK_S):
            self.look()
            if self.fell_silent:
                return

    def look(self) -> None:
        """Whether anything was heard since the last look; for too long nothing, and the engine is killed."""
        self._silent_looks += 1
        if self._silent_looks >= SILENCE_LOOKS:
            self.fell_silent = True
            self._process.kill()  # reaches a stopped process too; its end is then read from the pipe

    def _take(self, message: FromEngine) -> None:
        match message:
            case Row():
                self._on_row(message.table, message.columns)
            case CallOver():
                self._end_call(message)
            case Ready():
                self._ready.set()
            case Refused():
                self._ready.set_exception(EngineRefused(message.message, ExitCode(message.exit_code)))
            case Goodbye():
                self._goodbye = message

    def _end_call(self, over: CallOver) -> None:
        call = self._calls.pop(over.call, None)
        if call is not None:
            call.over.set(over)

    def _bury(self, reason: str) -> None:
        """The engine is gone: nobody may wait for it any longer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(timeout=EXIT_TIMEOUT_S)
            reason = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        if self.fell_silent:
            reason = f"no sign of life for {SILENCE_LOOKS * LOOK_S:.0f} s"
        self._on_death(reason)
        if not self._ready.ready():
            self._ready.set_exception(RunInvalid(f"The engine ended before it was ready: {reason}."))
        self._end_calls(reason)

    def _end_calls(self, reason: str) -> None:
        """Those that the engine has not ended itself."""
        for number in list(self._calls):
            self._end_call(CallOver(number, "dropped", ENGINE_DIED, reason))
