"""The turnstile of one process: who of its users may call, where a load has a shape.

All users that a shape will ever need are spawned at its beginning, as Locust reaches a number of
users too coarsely for one and loses calls on the way down. They wait here, which costs nothing. In a
closed load so many hold a permit as are wanted at the time, and keep it from call to call; in an open
load each arrival lets one user in for one call, and an arrival that finds nobody waiting is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gevent.event import AsyncResult


class Permit:
    """Leave to call."""

    def __init__(self, *, single: bool) -> None:
        self.single = single
        """For one call only: that of an arrival."""

        self.withdrawn = False
        self.on_withdrawal: Callable[[], None] = lambda: None
        """What to do at once when it is withdrawn; who holds it sets this."""

    @property
    def over(self) -> bool:
        """Whether its holder goes back to wait after the call under way."""
        return self.single or self.withdrawn

    def withdraw(self) -> None:
        self.withdrawn = True
        self.on_withdrawal()


class Turnstile:
    """Lets waiting users through, first come, first served."""

    def __init__(self) -> None:
        self.not_started = 0
        """Arrivals that found nobody waiting."""

        self._level = 0
        self._held: list[Permit] = []
        self._waiting: deque[AsyncResult[Permit]] = deque()

    @property
    def waiting(self) -> int:
        """Users who wait."""
        return len(self._waiting)

    def admit(self) -> Permit:
        """Wait to be let through."""
        place: AsyncResult[Permit] = AsyncResult()
        self._waiting.append(place)
        self._fill()
        try:
            permit: Permit = place.get()
        finally:
            if not place.ready():  # killed while waiting
                self._waiting.remove(place)
        return permit

    def set_level(self, users: int) -> None:
        """So many may call from now on; those who came last are sent back first, after their turn."""
        self._level = users
        while len(self._held) > users:
            self._held.pop().withdraw()
        self._fill()

    def arrive(self) -> bool:
        """One call is due: whether there was somebody to hold it."""
        if not self._waiting:
            self.not_started += 1
            return False
        self._waiting.popleft().set(Permit(single=True))
        return True

    def _fill(self) -> None:
        while self._waiting and len(self._held) < self._level:
            permit = Permit(single=False)
            self._held.append(permit)
            self._waiting.popleft().set(permit)
