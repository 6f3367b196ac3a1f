"""The caller's microphone as a grid of frames, and what the conversation asks of it.

From `start_ns` on a frame of audio is captured every `frame_ns` and due for sending at its end, as a
real microphone delivers it. So the sample at media position `m` of a clip that begins at `b` was due
at T = b + m; the frame that holds it leaves at the next frame boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtbench.core.script import Clip

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class StartMicrophone:
    """Begin to send: silence until a clip is played. The first frame covers `[at_ns, at_ns + frame)`."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class PlayClip:
    """Play a clip into the microphone; its first sample falls on the frame boundary `at_ns`."""

    clip: Clip
    at_ns: int
    gain_db: float = 0.0
    """Level against the clip's own."""


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """The instants at which frames begin and end."""

    start_ns: int
    frame_ns: int

    def boundary_at_or_after(self, instant_ns: int) -> int:
        """The first frame boundary that is not before an instant, and not before the start."""
        frames = max(0, -(-(instant_ns - self.start_ns) // self.frame_ns))
        return self.start_ns + frames * self.frame_ns

    def sample_at(self, instant_ns: int, rate_hz: int) -> int:
        """The sample of the input stream whose capture is nearest to an instant.

        Instants of samples are cut to whole nanoseconds; rounding to the nearest sample finds them again.
        """
        return ((instant_ns - self.start_ns) * rate_hz + NS_PER_S // 2) // NS_PER_S
