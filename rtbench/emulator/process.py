"""An emulator as a child process, for a run that has no other target.

Plain processes and pipes only: the parent may be under gevent. The child ends with the parent,
however that dies, since its standard input then ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rtbench.clock import NS_PER_S, monotonic_ns
from rtbench.core.errors import ExitCode, TargetUnreachable, UsageError

KEY_VARIABLE = "RTBENCH_EMULATOR_KEY"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
_KEPT_ERROR_CHARS = 300


class EmulatorProcess:
    """A running emulator on a free port of loopback; a context manager that stops it."""

    def __init__(
        self,
        *,
        profile: Mapping[str, Any] | str | None = None,
        corpus: Path | str = "english",
        log: Path | None = None,
        key: str | None = None,
        codecs: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it listens, ready for WebRTC calls in these codecs.

        `profile` is the name or path of one, or settings over the default one. Raises UsageError where
        the emulator refuses its settings, TargetUnreachable where it does not come up.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "rtbench", "emulator", *_arguments(profile, corpus, log, codecs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            stderr=self._errors,
            env=_environment(key),
            # Ctrl-C in the terminal goes to the whole group; the emulator must outlive the last turns.
            start_new_session=True,
        )
        try:
            ready = self._ready()
        except BaseException:
            self.stop()
            raise
        self.port: int = ready["port"]
        self.url: str = ready["url"]
        """Base of the API, e.g. `http://127.0.0.1:40123/v1`."""

    @property
    def pid(self) -> int:
        return self._child.pid

    def poll(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._child.poll()

    def stop(self) -> None:
        """End it, and wait until it is gone. Does nothing the second time."""
        child = self._child
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for stream in (child.stdin, child.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _ready(self) -> dict[str, Any]:
        """What the child announces."""
        stdout = self._child.stdout
        assert stdout is not None
        deadline_ns = monotonic_ns() + round(START_TIMEOUT_S * NS_PER_S)
        line = b""
        while not line.endswith(b"\n"):
            left_s = (deadline_ns - monotonic_ns()) / NS_PER_S
            if left_s <= 0 or not select.select([stdout], [], [], left_s)[0]:
                raise TargetUnreachable(f"The emulator did not start within {START_TIMEOUT_S:.0f} s.")
            piece = stdout.read(4096)
            if not piece:
                raise self._failure()
            line += piece
        announced: dict[str, Any] = json.loads(line)
        return announced

    def _failure(self) -> UsageError | TargetUnreachable:
        """Why it did not come up, in its own words."""
        status = self._child.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1].removeprefix("rtbench: ")[:_KEPT_ERROR_CHARS] if lines else f"exit status {status}"
        if status == ExitCode.USAGE:
            return UsageError(reason)
        return TargetUnreachable(f"The emulator did not start: {reason}")


def _environment(key: str | None) -> dict[str, str]:
    """Ours, with the key for the child alone: argument lists are for everyone to read."""
    environment = dict(os.environ)
    environment.pop(KEY_VARIABLE, None)
    if key is not None:
        environment[KEY_VARIABLE] = key
    return environment


def _arguments(
    profile: Mapping[str, Any] | str | None, corpus: Path | str, log: Path | None, codecs: Sequence[str]
) -> list[str]:
    arguments = ["--port", "0", "--announce", "--parent-pipe", "--corpus", str(corpus)]
    arguments += ["--prepare", ",".join(codecs)]
    if isinstance(profile, str):
        arguments += ["--profile", profile]
    elif profile:
        arguments += ["--settings", json.dumps(dict(profile))]
    if log is not None:
        arguments += ["--log", str(log)]
    return arguments
