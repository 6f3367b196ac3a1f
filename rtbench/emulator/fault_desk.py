"""The fault desk: what goes wrong at the door and on the lines of one service, and the log of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import count

from rtbench.clock import monotonic_ns
from rtbench.emulator.door import Door, Verdict
from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.faults import CAPACITY
from rtbench.emulator.faulty_session import FaultySession
from rtbench.emulator.line_faults import At, LineFault, Transport
from rtbench.emulator.profile import Profile
from rtbench.emulator.session import EmulatedSession
from rtbench.emulator.truth_file import TruthFile


class FaultDesk:
    """Makes lines faulty, guards the door, and writes down what struck."""

    def __init__(self, profile: Profile, log: TruthFile | None = None) -> None:
        self.faults = [fault for fault in profile.faults.values() if isinstance(fault, LineFault)]
        self._seed = str(profile.seed)
        self._door = Door(self.faults, self._seed)
        self._log = log
        self._struck: Counter[str] = Counter()
        self._numbers = count(1)

    def decide(self, model: str, *, is_probe: bool, at: At = "upgrade") -> Verdict:
        """What happens to a request for a session."""
        if is_probe:
            return Verdict()
        verdict = self._door.decide(model, monotonic_ns(), at)
        self.write(self._door.take_rows())
        return verdict

    def line(self, session: EmulatedSession, transport: Transport = "websocket") -> FaultySession:
        """The session behind a line that may be faulty."""
        seed = f"{self._seed}/{next(self._numbers)}"
        return FaultySession(session, self.faults, seed, self._door, self._struck, transport)

    def no_room(self, status: int, *, is_probe: bool) -> None:
        """A caller is refused now, as there is no room for one more session."""
        if not is_probe:
            self.write([FaultRow(CAPACITY, monotonic_ns(), setting=str(status))])

    def restarted(self, session: str, code: int) -> None:
        """The service closes a session, by its name, now, as it restarts."""
        self.write([FaultRow("restart", monotonic_ns(), session, setting=str(code))])

    def write(self, rows: Iterable[FaultRow]) -> None:
        """Write down what struck."""
        if self._log is not None:
            self._log.write(rows)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
