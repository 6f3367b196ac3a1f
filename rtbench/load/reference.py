"""The reference session of a capacity search: one caller who does the same all the time, in a process of its own.

Its waits grow with the load as those of the others do where the service is to blame; where only the
others' grow, it is the generator. It ends with the search, however that dies, since its standard input
then ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rtbench.results.run_directory import RUN_JSON

END_TIMEOUT_S = 60.0
"""For its last rows and its report."""


class ReferenceCall:
    """One caller of a scenario, from `start` to `hang_up` or `end`."""

    def __init__(self, scenario: Path, out: Path, arguments: Sequence[str]) -> None:
        """`arguments`: further options of `rtbench run`."""
        self._out = out
        self._command = [sys.executable, "-m", "rtbench", "run", str(scenario), "--users", "1"]
        self._command += ["--with-parent"]
        # Longer than any search: it is ended with it.
        self._command += ["--duration", "160 h", "--out", str(out), *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._hung_up = False

    def start(self, target: str) -> None:
        """Begin to call there."""
        self._process = subprocess.Popen(
            [*self._command, "--target", target],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the search, which ends this
        )

    def hang_up(self) -> None:
        """Ask it to end, and do not wait for that. Asked twice it would give its report up."""
        if self._process is not None and not self._hung_up:
            self._hung_up = True
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Hang up, and wait until its rows are on disk."""
        self.hang_up()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    @property
    def run(self) -> Path | None:
        """Its run's directory, None where it never began."""
        return next((path.parent for path in self._out.glob(f"*/{RUN_JSON}")), None)
