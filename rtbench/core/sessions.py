"""A session as the caller lived it: connection, set-up, turns and end, before any metric is taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from rtbench.core.incidents import StateChange
from rtbench.core.network import Network

SessionOutcome = Literal["completed", "drained", "failed", "dropped", "interrupted"]
"""How a session ended.

completed: the script was held to its end; drained: it stopped between two turns because the run
ended; failed: it could not be set up; dropped: the connection went away; interrupted: the run was
stopped in mid-turn.
"""


@dataclass(slots=True)
class Session:
    """One conversation's connection. `_ns` fields are instants on the engine's monotonic clock."""

    session_id: str = ""
    """The service's own name for it."""

    outcome: SessionOutcome = "failed"
    error_class: str = ""
    error_detail: str = ""

    planned_ns: int = 0
    """When its user asked for it."""

    dns_ms: float | None = None
    tcp_ms: float | None = None
    tls_ms: float | None = None
    upgrade_ms: float | None = None

    key_ms: float | None = None
    """The request for an ephemeral key. From here to `first_rtp_ms`: a call over WebRTC."""

    sdp_ms: float | None = None
    """The offer's way to the service until its answer was read, and the making of the offer."""

    ice_ms: float | None = None
    """Until a pair of addresses was agreed on."""

    dtls_ms: float | None = None
    """The handshake of keys for the media."""

    channel_ms: float | None = None
    """Until the data channel was open."""

    first_rtp_ms: float | None = None
    """From the open channel to the first packet of audio; a service that is silent until it speaks sends none before."""

    connected_ns: int | None = None
    created_ns: int | None = None
    """Arrival of `session.created`."""

    update_sent_ns: int | None = None
    updated_ns: int | None = None
    """Arrival of the `session.updated` that answers the caller's configuration."""

    ended_ns: int = 0

    turns: int = 0
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """By class: the API's error code, or rtbench's own class."""

    redials: int = 0
    """Tries to connect again, after losses and refusals."""

    cuts: int = 0
    """Breaks of the connection by our own side, on purpose."""

    cuts_unseen: int = 0
    """Of these, such as made no outage of their own: the call was over, or the session left for a rotation, before anything was
    missed; or the caller was out already, and its new session not restored yet."""

    reconnects: int = 0
    """Those that gave a session again."""

    rotations: int = 0
    """Sessions replaced on purpose, before their limit."""

    rate_limited: int = 0
    """Refusals and answers by which the service asked the caller to wait; they are no errors."""

    turns_lost: int = 0
    """Turns that a loss cut off, interruptions of them that were not made, and turns never held as no session came back."""

    fell_back: bool = False
    """To a session in writing."""

    down_ns: int = 0
    """Time of outages, after the first connection stood; a rotation that goes as planned is none."""

    states: list[StateChange] = field(default_factory=list)
    """In order; the session's life as lanes show it."""

    unknown_events: int = 0
    malformed_events: int = 0

    cost_usd: float | None = None
    """Of its turns' tokens, by published prices; None where the model's price is not known."""

    network: Network = field(default_factory=Network)
    """What the network did to its media, over WebRTC; in a row its fields stand beside the session's own."""
