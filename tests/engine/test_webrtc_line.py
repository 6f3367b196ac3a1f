"""Calls over real ICE, DTLS and SRTP on loopback, against the emulator's server in the same loop."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from contextlib import asynccontextmanager

import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core.errors import UsageError
from rtbench.core.filtered_events import UNTOLD
from rtbench.core.network import Network
from rtbench.emulator.calls import Calls
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.engine.webrtc_line import note_statistics
from rtbench.results.run_directory import RunDirectory
from rtbench.transports.webrtc import PeerStatistics, RemoteReport, RoundTrip

LIMIT_S = 20
QUICK = {"response_delay": "20 ms", "transcription_delay": "0 ms"}
TRANSPORT = ("frame: 20 ms", "transport: webrtc")
CONNECTING = ("key_ms", "sdp_ms", "ice_ms", "dtls_ms", "channel_ms")


@pytest.fixture(scope="module")
def hold(corpus_folder, scenario_file, caller_at, tmp_path_factory):
    """Holds one call of the usual scenario over WebRTC to its end; its rows, and the emulator's health after it."""

    @asynccontextmanager
    async def served(key, profile):
        service = load_service(corpus_folder, Profile.model_validate(QUICK | profile))
        server = EmulatorServer(service, key=key)
        port = await server.start("127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            await server.stop()

    def run(*lines: str, key: str | None = None, scene=None, steps=("", ""), **profile: str):
        path = scenario_file((TRANSPORT[0], "\n".join((TRANSPORT[1], *lines))), steps)

        async def stage():
            async with served(key, profile) as url, asyncio.timeout(LIMIT_S):
                caller = caller_at(path, RunDirectory(tmp_path_factory.mktemp("run")))
                try:
                    call = caller.call(url)
                    await (scene(call) if scene else call.hold())
                finally:
                    caller.close()
            return caller.rows

        return asyncio.run(stage())

    return run


@pytest.fixture(scope="module")
def whole(hold):
    """The rows of a call in Opus that went well."""
    return hold()


def test_a_call_over_webrtc_is_held_to_its_end(whole) -> None:
    assert [turn["outcome"] for turn in whole.of("turns")] == ["answered", "answered"]
    session = whole.session
    assert (session["outcome"], session["error_class"], json.loads(session["errors"])) == (
        "completed",
        "",
        {},
    )
    assert session["session_id"].startswith("sess_")


def test_the_connection_is_timed_by_its_parts(whole) -> None:
    session = whole.session

    parts = [session[name] for name in CONNECTING]
    assert all(part > 0 for part in parts)
    assert sum(parts) == pytest.approx(session["connect_ms"], abs=20)
    assert session["upgrade_ms"] is None
    assert session["first_rtp_ms"] > 0


def test_what_the_network_did_is_told(whole) -> None:
    session = whole.session

    assert session["codec"] == "opus"
    answers = whole.of("turns")
    assert (
        session["packets_expected"] == session["packets_received"] == sum(turn["chunks"] for turn in answers)
    )
    assert (session["packets_lost"], session["packet_loss"], session["burst_ratio"]) == (0, 0, 1)
    assert session["jitter_ms"] is not None and session["jitter_ms"] <= session["jitter_max_ms"]
    assert session["player_delay_ms"] == 40
    assert session["kbit_per_s_sent"] > 0 and session["kbit_per_s_received"] > 0
    assert session["codec_fallbacks"] == 0
    states = json.loads(session["peer_states"])
    assert [state for state, _ in states][-1] == "connected"
    assert [at_ms for _, at_ms in states] == sorted(at_ms for _, at_ms in states)


def test_the_parts_of_a_latency_add_up_over_rtp(whole) -> None:
    for turn in whole.of("turns"):
        assert turn["identity_error_ms"] == pytest.approx(0, abs=1e-6)
        assert turn["playout_wait_ms"] == 40
        assert turn["audio_ms"] == 240  # the answer's 240 ms are twelve packets
        assert turn["output_started_ns"] < turn["output_stopped_ns"]
        assert turn["closed_ns"] >= turn["audible_ns"] > turn["first_audio_ns"] >= turn["commit_sent_ns"]


def test_the_slowest_turns_are_drawn_from_packets(whole) -> None:
    waveforms = whole.of("waveforms")

    assert [waveform["turn"] for waveform in waveforms] == [1, 2]
    for waveform, turn in zip(waveforms, whole.of("turns"), strict=True):
        assert waveform["start_ns"] == turn["first_audio_ns"] + 40 * NS_PER_MS
        assert len(waveform["peaks"]) == 24
        assert 6_000 < max(waveform["peaks"]) < 10_000


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_g711_is_spoken_and_heard_too(hold, codec) -> None:
    rows = hold(f"codec: {codec}")

    assert rows.session["codec"] == codec
    assert rows.session["kbit_per_s_sent"] < 70
    assert [turn["outcome"] for turn in rows.of("turns")] == ["answered", "answered"]
    assert all(6_000 < max(waveform["peaks"]) < 10_000 for waveform in rows.of("waveforms"))


def test_within_silence_without_end_an_answer_is_as_long_as_it_was_spoken(hold) -> None:
    rows = hold(rtp="continuous")

    session, answers = rows.session, rows.of("turns")
    assert [turn["outcome"] for turn in answers] == ["answered", "answered"]
    assert session["packets_received"] > 1.5 * sum(turn["chunks"] for turn in answers)
    first_rtp_ns = session["connected_ns"] + session["first_rtp_ms"] * NS_PER_MS
    assert first_rtp_ns < answers[0]["first_audio_ns"]
    for turn in answers:
        assert 200 <= turn["audio_ms"] <= 280  # 240, but for a packet at either end
        assert turn["identity_error_ms"] == pytest.approx(0, abs=1e-6)
        # No silence of before the answer is in it: only what is around its 200 ms of sound, and a packet at either end.
        assert turn["leading_silence_ms"] + 200 <= turn["audio_ms"] + 40
        # Silence is in time where the answer is: only a packet later than the player's 40 ms makes it run dry.
        assert turn["underrun_count"] == 0 or turn["min_prebuffer_ms"] > 40


def test_offer_and_session_can_go_together_with_the_key_itself(hold, monkeypatch) -> None:
    asked = []
    offered = Calls.asked

    async def look(calls, request, configuration):
        offer, wanted = await offered(calls, request, configuration)
        asked.append((request.content_type, request.headers["Authorization"], configuration, wanted))
        return offer, wanted

    monkeypatch.setenv("RTBENCH_API_KEY", "sk-own")
    monkeypatch.setattr(Calls, "asked", look)
    rows = hold("webrtc_offer: multipart", key="sk-own")

    ((content_type, key, configuration, wanted),) = asked
    assert (content_type, key, configuration) == ("multipart/form-data", "Bearer sk-own", None)
    assert (wanted["type"], wanted["model"]) == ("realtime", "gpt-realtime")
    session = rows.session
    assert (session["outcome"], session["answered"]) == ("completed", 2)
    assert session["key_ms"] is None  # no ephemeral key is asked for
    assert all(session[name] > 0 for name in CONNECTING if name != "key_ms")


FILTERED = "webrtc_filter: true"


def test_behind_a_filter_of_events_a_conversation_goes_on_and_what_was_not_told_is_null(hold) -> None:
    rows = hold(FILTERED)

    session, answers = rows.session, rows.of("turns")
    assert [turn["outcome"] for turn in answers] == ["answered", "answered"]
    assert (session["outcome"], session["error_class"]) == ("completed", "")
    for table, row in (("sessions", session), *(("turns", turn) for turn in answers)):
        assert {name for name in UNTOLD[table] if row[name] is not None} == set()
    for turn in answers:
        assert turn["voice_to_voice_ms"] > 0
        assert turn["audio_ms"] == 240
        assert turn["identity_error_ms"] == pytest.approx(0, abs=1e-6)
        assert turn["output_started_ns"] < turn["output_stopped_ns"] <= turn["closed_ns"]


def test_behind_a_filter_an_outage_is_known_by_what_was_heard_and_not_by_what_was_inferred(hold) -> None:
    async def scene(call) -> None:
        held = asyncio.ensure_future(call.hold())
        while call.conversation.open_turn is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.001)
        call.cut("close")
        await held

    rows = hold(FILTERED, "reconnect: {attempts: 2, base: 10 ms}", scene=scene)
    (incident,) = rows.of("incidents")
    assert (incident["outcome"], incident["error_class"]) == ("recovered", "closed_1000")
    assert incident["recovery_ms"] > 0 and incident["incident_attempts"] >= 1
    for table in ("turns", "incidents", "mishaps"):
        assert not any(row[name] is not None for row in rows.of(table) for name in UNTOLD[table])
    assert rows.of("mishaps")


def test_with_a_sideband_all_is_told_though_the_channel_is_filtered(hold) -> None:
    rows = hold(FILTERED, "control: sideband")

    assert rows.session["session_created_ms"] is not None
    assert all(turn["response_done_ms"] is not None for turn in rows.of("turns"))
    assert all(turn["output_audio_tokens"] > 0 for turn in rows.of("turns"))


def test_what_a_filter_keeps_from_the_caller_cannot_be_asked_of_a_scenario(hold) -> None:
    with pytest.raises(UsageError, match=r"webrtc_filter.* set control: sideband"):
        hold(
            FILTERED,
            steps=("        - listen\n", "        - interrupt: {role: question}\n        - listen\n"),
        )


def test_events_can_go_over_a_sideband(hold) -> None:
    rows = hold("control: sideband")

    session = rows.session
    assert (session["outcome"], session["answered"], session["malformed_events"]) == ("completed", 2, 0)
    assert all(session[name] is not None for name in (*CONNECTING, "tcp_ms", "upgrade_ms"))


def test_a_refused_key_is_the_calls_error(hold) -> None:
    rows = hold(key="another")

    session = rows.session
    assert (session["outcome"], session["error_class"]) == ("failed", "key_401")
    assert json.loads(session["errors"]) == {"key_401": 1}
    assert session["packet_loss"] is None and session["mos_estimate"] is None


def test_a_call_that_is_aborted_leaves_its_peer_and_its_row(hold) -> None:
    async def scene(call) -> None:
        held = asyncio.ensure_future(call.hold())
        while call.conversation.open_turn is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.001)
        call.stop(abort=True)
        await held

    rows = hold(scene=scene)
    assert rows.session["outcome"] == "interrupted"
    assert [turn["outcome"] for turn in rows.of("turns")] == ["interrupted"]


def test_a_call_that_is_given_up_while_it_is_dialled_is_interrupted(hold) -> None:
    async def scene(call) -> None:
        held = asyncio.ensure_future(call.hold())
        await asyncio.sleep(0)
        call.stop(abort=True)
        await held

    assert hold(scene=scene).session["outcome"] == "interrupted"


@pytest.mark.parametrize(
    ("how", "error_class"),
    [
        ("close", "closed_1000"),
        ("channel_closed", "closed_1000"),
        ("peer_gone", "connection_lost"),
        ("ice_dead", "no_sign_of_life"),
    ],
)
def test_a_call_that_is_broken_on_purpose_notices_and_comes_back(hold, how: str, error_class: str) -> None:
    async def scene(call) -> None:
        held = asyncio.ensure_future(call.hold())
        while call.conversation.open_turn is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.001)
        call.cut(how)
        await held

    rows = hold("reconnect: {attempts: 2, base: 10 ms, idle: 300 ms}", scene=scene)
    (incident,) = rows.of("incidents")
    assert (incident["injected"], incident["error_class"]) == (how, error_class)
    assert (incident["outcome"], incident["lost_turns"]) == ("recovered", 1)
    assert rows.session["outcome"] == "completed"
    assert [turn["outcome"] for turn in rows.of("turns")] == ["dropped", "answered"]


@pytest.mark.parametrize(("adaptive", "codec"), [("true", "pcmu"), ("false", "opus")])
def test_a_call_whose_network_was_bad_goes_on_in_another_codec(hold, adaptive: str, codec: str) -> None:
    async def scene(call) -> None:
        held = asyncio.ensure_future(call.hold())
        while call.conversation.open_turn is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.001)
        call.conversation.session.network.degraded_intervals = 1
        call.cut("close")
        await held

    alert = f"network_alert: {{adaptive_codec: {adaptive}}}"
    rows = hold("reconnect: {attempts: 2, base: 10 ms}", alert, scene=scene)
    session, (lost, answered) = rows.session, rows.of("turns")
    fell_back = codec != "opus"
    assert (session["codec"], session["codec_fallbacks"]) == (codec, int(fell_back))
    assert (lost["outcome"], answered["outcome"]) == ("dropped", "answered")
    if fell_back:
        (incident,) = rows.of("incidents")
        assert incident["dropped_ns"] < session["codec_fallback_ns"] < incident["connected_ns"]
    else:
        assert session["codec_fallback_ns"] is None
    # Pictures and places in the input are of the codec's own rate.
    (picture,) = [each for each in rows.of("waveforms") if each["turn"] == answered["number"]]
    assert 6_000 < max(picture["peaks"]) < 10_000
    rate_hz = answered["speech_end_sample"] / (answered["user_speech_end_ns"] - session["planned_ns"]) * 1e9
    assert (rate_hz < 8_000) is fell_back


@pytest.mark.parametrize("control", ["channel", "sideband"])
def test_a_call_that_is_over_is_gone_at_once(hold, control: str) -> None:
    """Not with the next full collection, which an engine that keeps time avoids."""
    seen = []

    async def scene(call) -> None:
        seen.append(weakref.ref(call))
        await call.hold()

    gc.disable()
    try:
        hold(f"control: {control}", scene=scene)
        assert seen[0]() is None
    finally:
        gc.enable()


def test_what_the_peer_counted_is_taken_over() -> None:
    network = Network()
    counted = PeerStatistics(
        packets_sent=500,
        bytes_sent=40_000,
        packets_received=250,
        bytes_received=10_000,
        packets_lost=0,
        packets_duplicated=0,
        jitter_ms=0.0,
        packets_rejected=0,
        remote_reports=(RemoteReport(1, 0.5, 3, 9.0), RemoteReport(2, 0.0, 5, 2.5)),
        round_trips=(RoundTrip(1, 12.0, "rtcp"), RoundTrip(2, 8.0, "ice"), RoundTrip(3, 30.0, "rtcp")),
    )
    note_statistics(network, counted, connected_s=10.0)

    assert (network.remote_packet_loss, network.remote_jitter_ms) == (0.01, 2.5)
    assert (network.round_trip_ms, network.round_trip_max_ms) == (12.0, 30.0)
    assert (network.kbit_per_s_sent, network.kbit_per_s_received) == (32.0, 8.0)


SATELLITE = "network: {delay: 60 ms}"


def test_signalling_and_sideband_go_through_the_simulated_network(hold) -> None:
    rows = hold("control: sideband", SATELLITE)

    session = rows.session
    assert session["outcome"] == "completed"
    assert session["key_ms"] >= 240  # TCP, and the request: two round trips
    assert session["sdp_ms"] >= 120  # the connection stands
    assert session["ice_ms"] >= 120
    assert session["tcp_ms"] >= 120 and session["upgrade_ms"] >= 120
    for turn in rows.of("turns"):
        # The commit goes up, and the event comes down.
        assert turn["response_created_ns"] - turn["commit_sent_ns"] >= 120 * NS_PER_MS
        assert turn["first_audio_ns"] - turn["commit_sent_ns"] >= 120 * NS_PER_MS
    assert 0 <= session["simulation_late_ms"] <= session["simulation_late_max_ms"]


def test_a_call_changes_its_network_in_mid_call(hold) -> None:
    steps = ("        - listen\n", "        - listen\n        - network: {delay: 80 ms}\n")
    rows = hold(steps=steps)

    session, (first, second) = rows.session, rows.of("turns")
    assert (session["outcome"], session["packets_lost"]) == ("completed", 0)
    assert session["key_ms"] < 160
    assert second["response_created_ns"] - second["commit_sent_ns"] >= 160 * NS_PER_MS
    assert first["response_created_ns"] - first["commit_sent_ns"] < 160 * NS_PER_MS
