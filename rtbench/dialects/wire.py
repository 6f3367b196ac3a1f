"""The wire table: which event class stands behind a wire type, and what its message looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from rtbench.core.client_events import ClientEvent
from rtbench.core.server_events import ServerEvent

EventT = TypeVar("EventT", bound=ServerEvent | ClientEvent)


@dataclass(frozen=True, slots=True)
class WireType(Generic[EventT]):
    """One row: an event class, whose fields are named as the members of its message.

    A field that is None is left out of the message unless `nulls` names it. `has_event_id` is False
    for the few messages that are sent without one.
    """

    name: str
    event: type[EventT]
    nulls: frozenset[str] = frozenset()
    has_event_id: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """Members of the message besides `type` and `event_id`, in the order in which they are written."""
        return tuple(field.name for field in fields(self.event) if field.name != "event_id")


class WireTable(Generic[EventT]):
    """All wire types of one direction, found by type name and by event class.

    Raises ValueError where two rows share a name or a class: one of them could never be reached.
    """

    def __init__(self, rows: Iterable[WireType[EventT]]) -> None:
        self._rows = tuple(rows)
        self._by_name = {row.name: row for row in self._rows}
        self._by_event = {row.event: row for row in self._rows}
        self._fields = {row.name: row.fields for row in self._rows}
        self._known = {name: frozenset(names) | {"type", "event_id"} for name, names in self._fields.items()}
        if not len(self._rows) == len(self._by_name) == len(self._by_event):
            raise ValueError("a wire type or an event class occurs twice in a wire table")

    def __iter__(self) -> Iterator[WireType[EventT]]:
        return iter(self._rows)

    def named(self, name: str) -> WireType[EventT] | None:
        """The row of a wire type, or None where the dialect has no such type."""
        return self._by_name.get(name)

    def members(self, event: EventT, event_id: str | None) -> dict[str, Any]:
        """The message of an event as a JSON object, with this `event_id` where it has one.

        Raises TypeError for an event that the dialect does not send.
        """
        row = self._by_event.get(type(event))
        if row is None:
            raise TypeError(f"{type(event).__name__} has no message in this direction")
        message: dict[str, Any] = {"type": row.name}
        if event_id is not None and row.has_event_id:
            message["event_id"] = event_id
        for name in self._fields[row.name]:
            value = getattr(event, name)
            if value is not None or name in row.nulls:
                message[name] = value
        return message

    def unknown_fields(self, name: str, message: dict[str, Any]) -> Iterable[str]:
        """Members of a message of this known type that its row does not have."""
        return message.keys() - self._known[name]
