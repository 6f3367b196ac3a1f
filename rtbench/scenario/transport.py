"""How the calls of a scenario are held: over what, in which codec, who controls them, and what a bad network is."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from rtbench.core.network import NetworkAlert
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import fault

TransportName = Literal["websocket", "webrtc"]
CodecName = Literal["opus", "pcmu", "pcma"]

ControlName = Literal["channel", "sideband"]
"""channel: events go over the call's own data channel; sideband: over a WebSocket that joins the call by its id."""

OfferName = Literal["raw", "multipart"]
"""raw: an ephemeral key that knows the session, and with it the offer alone, as browsers do; multipart: offer and
session together, with the key itself, as a server does for its clients."""

Grid = dict[str, list[Any]] | list[dict[str, Any]]
"""Values by dotted key, of which every combination is run; or the points one by one, each with the keys it sets."""

DEFAULT_PREBUFFER_MS = {"websocket": 0, "webrtc": 40}
"""A service that plays by itself sends in real time, so that without a buffer any jitter would be heard: two
packets. Over a WebSocket audio comes ahead of its time."""

WEBRTC_FRAME_MS = 20

_DEFAULT_ALERT = NetworkAlert()


class NetworkAlertBlock(Block):
    """When a call's network counts as degraded, over WebRTC; either limit is enough."""

    loss: float = Field(default=_DEFAULT_ALERT.loss, ge=0, le=1)
    """Share of packets lost in an interval above which it does."""

    jitter: Duration = Duration(round(_DEFAULT_ALERT.jitter_ms * 1_000_000))
    """Interarrival jitter (RFC 3550) above which it does."""

    interval: Duration = Duration(_DEFAULT_ALERT.interval_ns)
    """Length of the stretches that are judged."""

    adaptive_codec: bool = False
    """Once a call over opus was degraded, open its next connection with pcmu, and the caller's next calls too."""

    @field_validator("interval")
    @classmethod
    def _long_enough(cls, interval: Duration) -> Duration:
        if interval.s < 1:
            raise fault(f"must be at least 1 s, not {interval}: fewer packets say nothing")
        return interval

    @property
    def alert(self) -> NetworkAlert:
        """The limits as the caller's machine needs them."""
        return NetworkAlert(self.loss, self.jitter.ms, self.interval.ns)


def check_grid(grid: Grid | None) -> Grid | None:
    """Raises a pydantic error where a grid has no values, or a point sets nothing."""
    if isinstance(grid, dict):
        for key, values in grid.items():
            if not values:
                raise fault("has no values", key)
    if grid is not None and not grid:
        raise fault("has no points")
    if isinstance(grid, list):
        for index, point in enumerate(grid):
            if not point:
                raise fault("sets nothing", index)
    return grid
