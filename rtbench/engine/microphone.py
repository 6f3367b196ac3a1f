"""A caller's microphone on the wire: pre-encoded frames, each sent at its own absolute deadline."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from rtbench.clock import NS_PER_MS, monotonic_ns
from rtbench.core.microphone import FrameGrid
from rtbench.engine.alarm import Alarm, AlarmClock
from rtbench.engine.lateness import FrameLateness, LatenessLog

Send = Callable[[bytes], None]


class PacedMicrophone:
    """Sends silence, and clips when told to, frame by frame from `grid.start_ns` on.

    Deadlines are absolute: a frame that is late does not move the ones after it, and frames that were
    missed are all sent, each with its own lateness.
    """

    def __init__(
        self,
        grid: FrameGrid,
        silence: Sequence[bytes],
        send: Send,
        alarms: AlarmClock,
        lateness: LatenessLog,
    ) -> None:
        self._grid = grid
        self._silence = silence
        self._send = send
        self._alarms = alarms
        self._lateness = lateness
        self._clips: deque[tuple[int, Sequence[bytes]]] = deque()
        self._own_lateness = FrameLateness()
        self._alarm: Alarm | None = None
        self.frames_sent = 0
        self._arm()

    def play(self, messages: Sequence[bytes], at_ns: int) -> None:
        """Play a clip's frames from the frame boundary `at_ns` on; clips do not overlap."""
        self._clips.append(((at_ns - self._grid.start_ns) // self._grid.frame_ns, messages))

    def send_due(self, until_ns: int) -> None:
        """Send every frame that is due by `until_ns`, so that no event overtakes audio captured before it."""
        while self._alarm is not None and self._due_ns() <= until_ns:
            self._send_frame()

    def late_max_between_ms(self, start_ns: int, end_ns: int) -> float:
        """The worst lateness of the frames that hold the audio from one instant to another, and of those between."""
        grid = self._grid
        first, last = ((instant - grid.start_ns) // grid.frame_ns for instant in (start_ns, end_ns))
        return self._own_lateness.max_between_ns(first, last) / NS_PER_MS

    @property
    def late_max_ms(self) -> float:
        """The worst lateness of a frame so far."""
        return self._own_lateness.max_ns / NS_PER_MS

    def stop(self) -> None:
        """Send nothing more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _due_ns(self) -> int:
        """A frame is due at its end, when its last sample has been captured."""
        return self._grid.start_ns + (self.frames_sent + 1) * self._grid.frame_ns

    def _tick(self, now: int) -> None:
        self.send_due(now)
        if self._alarm is not None:
            self._arm()

    def _arm(self) -> None:
        self._alarm = self._alarms.call_at(self._due_ns(), self._tick)

    def _send_frame(self) -> None:
        due_ns = self._due_ns()
        self._send(self._next_message())
        late_ns = monotonic_ns() - due_ns
        self._lateness.record(late_ns)
        self._own_lateness.record(late_ns)
        self.frames_sent += 1

    def _next_message(self) -> bytes:
        clips = self._clips
        while clips:
            first_frame, messages = clips[0]
            index = self.frames_sent - first_frame
            if index < 0:
                break
            if index < len(messages):
                return messages[index]
            clips.popleft()
        return self._silence[self.frames_sent % len(self._silence)]
