"""How a service ends a session on its own: by a close code over a WebSocket, and by what stands for it over WebRTC.

WebRTC's goodbye carries no code: neither DTLS's `close_notify` (RFC 6347) nor a data channel's reset (RFC 8831,
6.7) says why. A service that has a reason tells it in an `error` event on the data channel, then goes.

    code   over WebRTC                                              the caller sees
    1000   the peer says goodbye                                    closed_1000
    1001   error `going_away`, then goodbye                         that error, closed_1000
    1006   the peer is gone without a word, as a process that       no_sign_of_life, where the caller looks after
           crashed: nothing is sent, ICE's checks go unanswered     idle lines; else connection_lost (ICE consent)
    1008   error `policy_violation`, then goodbye                   that error, closed_1000
    1009   none: SCTP has a limit of its own, and it is the         message_too_big
           listener who ends the call
    1011   error `internal_error`, then goodbye                     that error, closed_1000
    1012   error `service_restart`, then goodbye                    that error, closed_1000
    1013   error `try_again_later`, then goodbye                    that error, closed_1000
    4000   error `beta_api_shape_disabled`, then goodbye            that error, closed_1000

Codes and their meanings: RFC 6455, 7.4.1, and IANA's registry of it; 4000 as OpenAI closes clients of the beta.
"""

from __future__ import annotations

from rtbench.core.server_events import ErrorDetail

NORMAL_CLOSURE = 1000
ABNORMAL_CLOSURE = 1006


FAREWELLS: dict[int, ErrorDetail] = {
    code: ErrorDetail(type=kind, code=name, message=message)
    for code, kind, name, message in (
        (1001, "server_error", "going_away", "The service goes away."),
        (1008, "invalid_request_error", "policy_violation", "The session breaks a rule of the service."),
        (1011, "server_error", "internal_error", "The service met an error of its own."),
        (1012, "server_error", "service_restart", "The service restarts."),
        (1013, "server_error", "try_again_later", "The service has too much to do; try again later."),
        (
            4000,
            "invalid_request_error",
            "beta_api_shape_disabled",
            "The beta's API is not supported any more.",
        ),
    )
}
"""Those that tell a reason; the other codes have none to tell."""


def told_over_webrtc(code: int) -> str:
    """The class under which a caller over WebRTC finds this end; empty where nothing is said."""
    farewell = FAREWELLS.get(code)
    if farewell is not None:
        return farewell.code or farewell.type
    return f"closed_{NORMAL_CLOSURE}" if code == NORMAL_CLOSURE else ""
