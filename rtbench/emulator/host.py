"""The host of sessions: what all sessions of a server share, and what each is given at its beginning."""

from __future__ import annotations

import secrets
from itertools import count
from typing import Any

from rtbench.clock import NS_PER_S, unix_ns
from rtbench.core.client_events import Json
from rtbench.core.response_events import ResponseCreated, ResponseDone
from rtbench.dialects.dialect import ServerCodec
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.line import Line
from rtbench.emulator.session import EmulatedSession, Service
from rtbench.emulator.truth_file import TruthFile
from rtbench.engine.alarm import AlarmClock


class Host:
    """Opens sessions of one service, and keeps the truth about them."""

    def __init__(self, service: Service, alarms: AlarmClock, log: TruthFile | None = None) -> None:
        self.service = service
        self.alarms = alarms
        self._log = log
        self._numbers = count(1)

    def open(
        self, model: str, line: Line | None = None, configuration: Json | None = None
    ) -> tuple[EmulatedSession, ServerCodec]:
        """The next session's machine, and the codec of its messages. Raises Refusal for the configuration."""
        token = secrets.token_hex(8)
        limit_ns = self.service.profile.session_limit.ns
        machine = EmulatedSession(
            self.service,
            model=model,
            token=token,
            number=next(self._numbers),
            expires_at=(unix_ns() + limit_ns) // NS_PER_S,
            line=line,
            configuration=configuration,
        )
        return machine, OPENAI_GA.server_codec(f"event_{token}")

    def write_truth(self, machine: EmulatedSession) -> None:
        """Write down what is finished."""
        rows = machine.truth_rows()
        if self._log is not None:
            self._log.write(rows)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()


class TruthKeeper:
    """Writes the truth about a response that is over, in the pauses (see `engine.driver.Observer`)."""

    def __init__(self, host: Host, machine: EmulatedSession) -> None:
        self._host = host
        self._machine = machine

    def received(self, event: Any, at_ns: int) -> None:
        """Nothing is kept of what comes in."""

    def sent(self, event: Any, due_ns: int, at_ns: int) -> None:
        # A row is complete when its response is done, or only when the next one begins (see `truth`).
        if type(event) in (ResponseCreated, ResponseDone):
            self._host.write_truth(self._machine)
