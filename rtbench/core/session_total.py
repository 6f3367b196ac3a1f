"""One session out of several connections: what each has come to, added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rtbench.core.conversation import Conversation
from rtbench.core.sessions import Session

_NONE: Counter[str] = Counter()


class SessionTotal:
    """Adds the connections of one caller up in one `Session`; how the first one came about is the whole's."""

    def __init__(self, whole: Session) -> None:
        self._whole = whole
        self._connections = 0
        self._seen: Counter[str] = Counter()

    def begin(self) -> None:
        """A new connection stands."""
        self._connections += 1
        self._seen = Counter()

    def absorb(self, conversation: Conversation) -> Mapping[str, int]:
        """Add what is new on this connection; the errors among it, by class."""
        part, whole = conversation.session, self._whole
        whole.session_id = part.session_id or whole.session_id
        whole.turns = max(whole.turns, part.turns)
        if self._connections == 1:
            whole.connected_ns, whole.created_ns = part.connected_ns, part.created_ns
            whole.update_sent_ns, whole.updated_ns = part.update_sent_ns, part.updated_ns
        if conversation.outcome is not None:
            whole.answered += part.answered
            whole.unknown_events += part.unknown_events
            whole.malformed_events += part.malformed_events
        # After every event: a Counter's own comparison counts both out.
        if dict.__eq__(part.errors, self._seen):
            return _NONE
        new = part.errors - self._seen
        self._seen = part.errors.copy()
        whole.errors += new
        return new
