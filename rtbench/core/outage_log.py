"""What is written down of a caller's outages: states with their times, incidents from the loss to the next answer, errors."""

from __future__ import annotations

from typing import Literal

from rtbench.core.incidents import (
    Attempt,
    Incident,
    IncidentKind,
    IncidentOutcome,
    Mishap,
    Phase,
    StateChange,
)
from rtbench.core.reconnection import Refused
from rtbench.core.sessions import Session
from rtbench.core.turns import Turn


class OutageLog:
    """The log of one caller; incidents are handed out once nothing more is to be known of them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open: Incident | None = None
        """The outage under way, or the last one while its next answer is awaited."""

        self._unheard: Incident | None = None
        """One whose next answer was cut off by the next outage: the turn in which it may have been heard is still to end."""

        self._attempt: Attempt | None = None
        self._cut: tuple[str, int] | None = None
        self._count = 0
        self._down_since_ns: int | None = None
        self._finished: list[Incident] = []
        self._mishaps: list[Mishap] = []
        self._is_over = False

    @property
    def is_out(self) -> bool:
        """No session stands that has what it needs."""
        return self._open is not None and self._open.restored_ns is None

    @property
    def is_outage(self) -> bool:
        """What is under way, or was last, is no mere rotation; one whose first try fails is an outage from then on."""
        return self._open is not None and (not self._open.is_planned or len(self._open.attempts) > 1)

    # Connections.

    def state(self, state: Literal["disconnected", "connecting", "connected", "over"], now: int) -> None:
        """The session's state changes."""
        self._session.states.append(StateChange(state, now, self._session.fell_back))

    def dialled(self, due_ns: int, now: int) -> None:
        """A try begins at `now` that was due at `due_ns`."""
        self._attempt = Attempt(due_ns, now)
        if self._open is not None:
            self._open.attempts.append(self._attempt)
        self.state("connecting", now)

    def connected(self, now: int) -> None:
        """The connection stands."""
        self._end_attempt("", now)
        if self._down_since_ns is not None:
            self._session.down_ns += now - self._down_since_ns
            self._down_since_ns = None
        if self._open is not None and self._open.restored_ns is None:
            self._open.connected_ns = now
        self.state("connected", now)

    def refused(self, refused: Refused, now: int) -> None:
        """The try failed."""
        if self._open is None or self._open.restored_ns is not None:
            first = self._begin("refusal", refused.error_class, refused.detail, "handshake", now)
            if self._attempt is not None:
                first.attempts.append(self._attempt)
        self._end_attempt(refused.error_class, now)
        assert self._open is not None
        if self._open.is_planned and self._down_since_ns is None:
            self._down_since_ns = now
        if refused.is_limit:
            self._open.limited += 1
            self._session.rate_limited += 1
        self.state("disconnected", now)

    def cut(self, how: str, now: int) -> None:
        """Our own side breaks the connection."""
        if self._cut is None:
            self._cut = how, now
            self._session.cuts += 1

    def lost(self, kind: IncidentKind, error_class: str, detail: str, phase: Phase, now: int) -> None:
        """The connection is gone, or left.

        One that was broken on purpose before, and is left for a rotation while that is still to be noticed, has been of no
        use since then; the rotation is none of the break's doing.
        """
        if self._cut is not None:
            self._down_since_ns = self._cut[1]
        elif kind != "rotation":  # which is no outage as long as it goes as planned
            self._down_since_ns = now
        if self._cut is not None and (self.is_out or kind == "rotation"):
            self._session.cuts_unseen += 1
            self._cut = None
        if self.is_out:
            self._end_attempt(error_class, now)  # it broke again before the session was restored
        else:
            self._begin(kind, error_class, detail, phase, now)
        self._cut = None
        self.state("disconnected", now)

    def turn_lost(self, count: int = 1) -> None:
        """Turns that the outage has cost."""
        self._session.turns_lost += count
        if self._open is not None:
            self._open.lost_turns += count

    def restored(self, created_ns: int | None, session_id: str, items: int, now: int) -> None:
        """A session stands again, with what was to be restored."""
        incident = self._open
        if incident is None or incident.restored_ns is not None:
            return
        incident.created_ns = created_ns
        incident.restored_ns = now
        incident.session_after = session_id
        incident.items_restored = items
        incident.outcome = "fell_back" if self._session.fell_back else "recovered"

    def turn_over(self, turn: Turn) -> None:
        """A turn has ended: maybe the next answer after an outage."""
        heard_ns = turn.first_text_ns if turn.kind == "written" else turn.audible_ns
        for incident in (self._unheard, self._open):
            if incident is None or incident.restored_ns is None or incident.audible_ns is not None:
                continue
            if heard_ns is not None and heard_ns >= incident.restored_ns:
                incident.audible_ns = heard_ns
                if incident is self._open:
                    self._close()
                return

    def over(self, outcome: IncidentOutcome, now: int) -> None:
        """The caller's session is over; what is still out never came back."""
        if self._cut is not None:
            self._session.cuts_unseen += 1
            self._cut = None
        if self._open is not None:
            if self._open.restored_ns is None:
                self._open.outcome = outcome
            self._is_over = True
        if self._down_since_ns is not None:
            self._session.down_ns += now - self._down_since_ns
            self._down_since_ns = None
        self.state("over", now)

    # Errors.

    def mishap(self, error_class: str, phase: Phase, now: int, count: int = 1, detail: str = "") -> None:
        """Errors of one class, met at one instant."""
        self._mishaps += [Mishap(now, error_class, phase, self._session.turns, detail)] * count

    def take_incidents(self) -> list[Incident]:
        """Those that are known to their end; after `over`, all."""
        self._close_unheard()
        if self._is_over:
            self._close()
        finished, self._finished = self._finished, []
        return finished

    def take_mishaps(self) -> list[Mishap]:
        mishaps, self._mishaps = self._mishaps, []
        return mishaps

    def _begin(self, kind: IncidentKind, error_class: str, detail: str, phase: Phase, now: int) -> Incident:
        self._close_unheard()
        self._unheard, self._open = self._open, None
        self._count += 1
        how, since_ns = self._cut or ("", now)
        self._open = Incident(
            number=self._count,
            kind=kind,
            injected=how,
            error_class=error_class,
            detail=detail,
            phase=phase,
            turn=self._session.turns,
            session_before=self._session.session_id,
            dropped_ns=since_ns,
            noticed_ns=now,
        )
        return self._open

    def _end_attempt(self, error_class: str, now: int) -> None:
        if self._attempt is not None and not self._attempt.error_class:
            self._attempt.over_ns = now
            self._attempt.error_class = error_class

    def _close_unheard(self) -> None:
        if self._unheard is not None:
            self._finished.append(self._unheard)
            self._unheard = None

    def _close(self) -> None:
        if self._open is not None:
            self._finished.append(self._open)
            self._open = None
