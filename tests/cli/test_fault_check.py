"""Faults that are written wrongly, or can never strike, are refused by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.cli.fault_check import check_faults
from rtbench.core.errors import UsageError
from rtbench.scenario.load import load_scenario
from rtbench.scenario.transport import TransportName

SCENARIO = """\
name: faulty
conversation:
  - say: {{role: question}}
  - {step}
  - listen
{rest}
"""


def refusal(tmp_path: Path, over: TransportName, step: str = "listen", rest: str = "") -> str:
    path = tmp_path / "f.yaml"
    path.write_text(SCENARIO.format(step=step, rest=rest))
    try:
        check_faults(load_scenario(path).held_over(over))
    except UsageError as error:
        return str(error).removeprefix(f"{path}:")
    return ""


@pytest.mark.parametrize(
    ("step", "rest", "over", "where", "what"),
    [
        ("fault: {clsoe: 1011}", "", "websocket", "4: conversation[1].fault.clsoe", "did you mean 'close'"),
        ("fault: {close: 1010}", "", "webrtc", "4: conversation[1].fault.close.code", "must not be 1010"),
        ("fault: {late_cancel: 1 s}", "", "webrtc", "4: conversation[1].fault.late_cancel", "unknown fault"),
        ("fault: {lost_packets: 5}", "", "websocket", "4: conversation[1].fault.lost_packets", "WebRTC"),
        ("repeat: {times: 2, steps: [{fault: {close_channel: 1}}]}", "", "websocket", "4:", "close_channel"),
        ("drop: ice_dead", "", "websocket", "4: conversation[1].drop", "ice_dead breaks a call over WebRTC"),
        ("listen", "storm: {share: 1, at: 1 s, how: peer_gone}", "websocket", "6: storm.how", "peer_gone"),
        ("listen", "drops: {every: 1 s, how: [reset, channel_closed]}", "websocket", "6: drops.how[1]", ""),
        (
            "listen",
            "emulator: {faults: {close_channel: 0.5}}",
            "websocket",
            "6: emulator.faults.close_channel",
            "",
        ),
        (
            "listen",
            "emulator: {faults: {refuse: {at: key}}}",
            "websocket",
            "6: emulator.faults.refuse",
            "'at'",
        ),
        (
            "listen",
            "emulator: {faults: {truncation_rejected: 1}}",
            "webrtc",
            "6: emulator.faults.truncation_rejected",
            "has no meaning over WebRTC",
        ),
    ],
)
def test_what_cannot_strike_is_refused(tmp_path, step, rest, over, where, what) -> None:
    found = refusal(tmp_path, over, step, rest)

    assert found.startswith(where), found
    assert what in found


@pytest.mark.parametrize("over", ["websocket", "webrtc"])
def test_what_can_strike_passes(tmp_path, over: TransportName) -> None:
    rest = (
        "emulator: {faults: {close: 1011, stall: 0.1, slow_upgrade: 1 s, late_cancel: 300 ms, vanish: 0.1}}"
    )

    assert refusal(tmp_path, over, "fault: {refusal: {status: 503, most: 2}}", rest) == ""


def test_faults_of_calls_pass_over_webrtc(tmp_path) -> None:
    rest = "emulator: {faults: {lost_packets: 5, close_channel: 0.1, refuse: {at: key}}}"

    assert refusal(tmp_path, "webrtc", "drop: channel_closed", rest) == ""


FILTERED = "transport: webrtc\nwebrtc_filter: true"


@pytest.mark.parametrize(
    ("step", "faults", "where", "sign"),
    [
        ("fault: {error_event: server_error}", "", "4: conversation[1].fault.error_event", "error"),
        ("listen", "{no_session: 0.5}", "8: emulator.faults.no_session", "session.created"),
        ("listen", "{stale_audio: 200 ms}", "8: emulator.faults.stale_audio", "response.done"),
    ],
)
def test_behind_a_filter_what_is_told_by_an_event_alone_is_refused(
    tmp_path, step: str, faults: str, where: str, sign: str
) -> None:
    rest = f"{FILTERED}\nemulator: {{faults: {faults or '{}'}}}"
    found = refusal(tmp_path, "webrtc", step, rest)

    assert found.startswith(where), found
    assert f"is known by {sign} alone, which webrtc_filter keeps back" in found
    assert refusal(tmp_path, "webrtc", step, f"{rest}\ncontrol: sideband") == ""


def test_behind_a_filter_what_is_heard_or_missed_passes(tmp_path) -> None:
    rest = f"{FILTERED}\nemulator: {{faults: {{close: 1011, stall: 0.1, invalid_json: 1, cut_in: 300 ms}}}}"

    assert refusal(tmp_path, "webrtc", "fault: {lost_packets: 5}", rest) == ""
