from typing import Any

import pytest
from pydantic import ValidationError

from rtbench.core.errors import UsageError
from rtbench.core.network import NetworkAlert
from rtbench.scenario.fault import fault_location, fault_sentence
from rtbench.scenario.model import Scenario
from rtbench.scenario.source import Source
from rtbench.scenario.transport import NetworkAlertBlock, check_grid

S = 1_000_000_000


def scenario(**keys: Any) -> Scenario:
    return Scenario.model_validate({"name": "x", "conversation": [{"say": "a"}, "listen"], **keys})


def told(**keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        scenario(**keys)
    (error,) = caught.value.errors(include_url=False)
    existing, beyond = fault_location(error)
    return f"{'.'.join(map(str, (*existing, *beyond)))}: {fault_sentence(error)}"


def test_by_default_a_call_is_a_websocket() -> None:
    plain = scenario()

    assert (plain.transport, plain.media_codec, plain.frame_ms, plain.prebuffer_ns) == (
        "websocket",
        None,
        40,
        0,
    )


def test_over_webrtc_packets_are_20_ms_and_the_player_has_a_buffer() -> None:
    media = scenario(transport="webrtc")

    assert media.media_codec is not None
    assert (media.media_codec.name, media.frame_ms, media.prebuffer_ns) == ("opus", 20, 40_000_000)
    assert scenario(transport="webrtc", player={"prebuffer": "0 ms"}).prebuffer_ns == 0
    assert scenario(transport="webrtc", frame="20 ms", codec="pcma").frame_ms == 20


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"transport": "webrtc", "frame": "40 ms"}, "frame: a frame over WebRTC is 20 ms, not 40 ms"),
        (
            {"transport": "webrtc", "session": {"input_format": "audio/pcmu"}},
            "session.input_format: over WebRTC the key `codec` says how audio is coded",
        ),
        ({"control": "sideband"}, "control: a sideband joins a WebRTC call; set transport: webrtc"),
        ({"webrtc_filter": True}, "webrtc_filter: is a filter of WebRTC calls; set transport: webrtc"),
        (
            {"webrtc_offer": "multipart"},
            "webrtc_offer: is how a WebRTC call is asked for; set transport: webrtc",
        ),
        (
            {"transport": "webrtc", "webrtc_offer": "json"},
            "webrtc_offer: must not be 'json'; valid are multipart, raw",
        ),
        (
            {
                "transport": "webrtc",
                "webrtc_filter": True,
                "session": {"tools": [{"type": "function", "name": "look"}]},
            },
            "webrtc_filter: lets no tool call through; set control: sideband",
        ),
        (
            {"transport": "carrier pigeon"},
            "transport: must not be 'carrier pigeon'; valid are webrtc, websocket",
        ),
        ({"codec": "mp3"}, "codec: must not be 'mp3'; valid are opus, pcma, pcmu"),
        ({"network_alert": {"loss": 2}}, "network_alert.loss: must be 1 or less, not 2"),
        (
            {"network_alert": {"interval": "500 ms"}},
            "network_alert.interval: must be at least 1 s, not 500 ms: fewer packets say nothing",
        ),
        ({"sweep": {}}, "sweep: has no points"),
        ({"sweep": {"codec": []}}, "sweep.codec: has no values"),
        (
            {"sweep": [{"codec": "opus"}, {}]},
            "sweep.1: sets nothing",
        ),
    ],
)
def test_what_does_not_go_together_is_told_with_its_key(keys, sentence) -> None:
    assert told(**keys) == sentence


def test_the_alert_is_the_rule_of_thumb_unless_it_is_written() -> None:
    assert NetworkAlertBlock().alert == NetworkAlert() == NetworkAlert(0.02, 30.0, 5 * S)
    written = scenario(network_alert={"loss": 0.05, "jitter": "50 ms", "interval": "10 s"}).network_alert
    assert written.alert == NetworkAlert(0.05, 50.0, 10 * S)
    assert not written.adaptive_codec


def test_another_transport_and_codec_change_nothing_else(tmp_path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("name: x\nframe: 100 ms\nconversation: [say: a, listen]\n")
    source = Source.read(path)
    written = Scenario.model_validate(source.data).read_from(source)
    media = written.held_over("webrtc", "pcmu")

    assert (media.transport, media.codec, media.frame_ms) == ("webrtc", "pcmu", 20)
    assert media.conversation == written.conversation
    assert media.source is source
    assert written.transport == "websocket"
    assert written.held_over(None) == written


def test_a_grid_is_lists_of_values_or_the_points_themselves() -> None:
    lists = {"session.voice": ["alloy", "cedar"], "codec": ["opus"]}
    points = [{"transport": "webrtc", "codec": "opus"}, {"transport": "websocket", "codec": "opus"}]

    assert (check_grid(lists), check_grid(points), check_grid(None)) == (lists, points, None)
    assert scenario(sweep=lists).sweep == lists
    assert scenario(sweep=points).sweep == points


@pytest.mark.parametrize(
    ("keys", "held", "sentence"),
    [
        (
            {"session": {"input_format": "audio/pcmu"}},
            ("webrtc", None),
            "session.input_format: over WebRTC the key `codec` says how audio is coded",
        ),
        ({}, (None, "pcmu"), "transport: codec pcmu is for calls over WebRTC, not over a WebSocket"),
        (
            {"transport": "webrtc"},
            ("websocket", "opus"),
            "transport: codec opus is for calls over WebRTC, not over a WebSocket",
        ),
        (
            {"transport": "webrtc", "control": "sideband"},
            ("websocket", None),
            "control: a sideband joins a WebRTC call, and a WebSocket is none",
        ),
        (
            {"transport": "webrtc", "webrtc_filter": True},
            ("websocket", None),
            "webrtc_filter: is a filter of WebRTC calls, and a WebSocket is none",
        ),
        (
            {"transport": "webrtc", "webrtc_offer": "multipart"},
            ("websocket", None),
            "webrtc_offer: is how a WebRTC call is asked for, and a WebSocket is none",
        ),
    ],
)
def test_a_transport_or_codec_that_does_not_suit_the_scenario_is_refused(keys, held, sentence) -> None:
    with pytest.raises(UsageError) as caught:
        scenario(**keys).held_over(*held)
    assert str(caught.value) == f"scenario 'x': {sentence}"
