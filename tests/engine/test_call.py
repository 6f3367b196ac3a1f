import asyncio
import gc
import json
import weakref
from collections import Counter
from itertools import pairwise

import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core import client_events as c
from rtbench.core import response_events as r
from rtbench.core import server_events as s
from rtbench.core.audio import Audio
from rtbench.core.script import Say
from rtbench.engine.call import Call
from rtbench.results.reader import read_trace
from rtbench.results.run_directory import RunDirectory
from rtbench.transports.websocket import Refusal

SESSION = "w0-000001"
SAMPLES_PER_MS = 24
FRAME_SAMPLES = 20 * SAMPLES_PER_MS
FRAME_BYTES = FRAME_SAMPLES * 2
ROOM_TONE = 3
PHASE_NS = 13 * NS_PER_MS


class WholeCall:
    """A call of two turns that went well."""

    def __init__(self, play) -> None:
        async def scene(service, caller) -> None:
            self.call = caller.call(service.url, PHASE_NS)
            await self.call.hold()
            self.directory = caller.directory
            script, corpus = caller.script, caller.plan.corpus
            self.clips = [corpus.samples(step.clip.name) for step in script.steps if isinstance(step, Say)]
            recorded = len(caller.around.lateness._pending)
            await asyncio.sleep(0.06)
            self.frames_after_the_end = len(caller.around.lateness._pending) - recorded

        self.rows, service = play(scene)
        self.served = service.sessions[0]


@pytest.fixture(scope="module")
def whole(play) -> WholeCall:
    return WholeCall(play)


def test_a_whole_call_gives_its_turns_in_order_and_then_its_session(whole) -> None:
    rows = whole.rows
    assert [table for table, _ in rows.all if table != "waveforms"] == ["turns", "turns", "sessions"]
    assert [(turn["number"], turn["outcome"]) for turn in rows.of("turns")] == [
        (1, "answered"),
        (2, "answered"),
    ]
    session = rows.session
    assert (session["outcome"], session["turns"], session["answered"]) == ("completed", 2, 2)
    assert session["session_id"] == "sess_0"
    assert json.loads(session["errors"]) == {}


def test_the_parts_of_a_latency_add_up_and_the_instants_are_in_order(whole) -> None:
    for turn in whole.rows.of("turns"):
        assert turn["identity_error_ms"] == pytest.approx(0, abs=1e-6)
        instants = [
            "user_speech_start_ns",
            "user_speech_end_ns",
            "commit_sent_ns",
            "response_created_ns",
            "first_audio_ns",
            "audible_ns",
            "closed_ns",
        ]
        assert all(turn[before] <= turn[after] for before, after in pairwise(instants))
        assert turn["at_unix_ns"] > 1_700_000_000 * 10**9


def test_connecting_is_timed_by_phase(whole) -> None:
    session = whole.rows.session
    assert session["tls_ms"] is None
    parts_ms = session["dns_ms"] + session["tcp_ms"] + session["upgrade_ms"]
    assert 0 < parts_ms <= session["connect_ms"] + 5
    assert session["planned_ns"] <= session["connected_ns"] <= session["created_ns"] <= session["updated_ns"]


def test_the_service_hears_each_clip_whole_on_the_frame_grid_and_room_tone_between(whole) -> None:
    audio, position = bytes(whole.served.audio), 0
    for samples in whole.clips:
        clip = samples.astype("<i2").tobytes()
        begin = audio.index(clip, position)
        assert begin % FRAME_BYTES == 0
        assert set(audio[position:begin:2]) <= {ROOM_TONE}
        position = begin + len(clip)
    assert len(whole.clips) == 2
    assert set(audio[position::2]) == {ROOM_TONE}


def test_what_went_over_the_wire_is_counted(whole) -> None:
    session = whole.rows.session
    assert session["frames_sent"] == len(whole.served.audio) / FRAME_BYTES
    assert session["bytes_sent"] > len(whole.served.audio)
    assert session["bytes_received"] > 2 * 80 * 24 * 2


def test_a_turn_is_committed_after_the_frame_with_its_last_speech_and_before_the_next(whole) -> None:
    heard = whole.served.heard
    commits = [index for index, event in enumerate(heard) if isinstance(event, c.InputAudioCommit)]
    frames_before = [
        sum(isinstance(event, c.InputAudioAppend) for event in heard[:index]) for index in commits
    ]
    for turn, frames in zip(whole.rows.of("turns"), frames_before, strict=True):
        behind = frames * FRAME_SAMPLES - turn["speech_end_sample"]
        # A loop that stalls sends the frames that it missed first.
        assert 0 <= behind < FRAME_SAMPLES + turn["frame_late_max_ms"] * SAMPLES_PER_MS
    assert all(isinstance(heard[index + 1], c.ResponseCreate) for index in commits)


def test_the_phase_delays_the_microphone(whole) -> None:
    assert whole.call.conversation.grid.start_ns == whole.rows.session["updated_ns"] + PHASE_NS


def test_nothing_is_sent_after_the_end(whole) -> None:
    assert whole.frames_after_the_end == 0


def test_every_event_is_traced_in_its_order_with_its_instants(whole) -> None:
    trace = read_trace(whole.directory, [SESSION])
    assert trace["type"].tolist()[:4] == [
        "session.created",
        "session.update",
        "session.updated",
        "input_audio_buffer.commit",
    ]
    assert trace["type"].tolist().count("response.output_audio.delta") == 2
    assert "input_audio_buffer.append" not in trace["type"].tolist()
    sent = trace[trace["sent"]]
    assert (sent["at_ns"] >= sent["due_ns"]).all()


def test_the_slowest_answers_leave_their_waveforms(whole) -> None:
    rows = whole.rows
    waveforms = rows.of("waveforms")
    assert [(row["session"], row["turn"]) for row in waveforms] == [(SESSION, 1), (SESSION, 2)]
    turn = rows.of("turns")[0]
    assert waveforms[0]["start_ns"] == turn["audible_ns"] - round(turn["leading_silence_ms"] * NS_PER_MS)
    assert len(waveforms[0]["peaks"]) == 12
    assert max(waveforms[0]["peaks"]) == pytest.approx(8_000, abs=50)


@pytest.mark.parametrize(
    ("refusal", "error_class"),
    [
        (Refusal(401, "no"), "upgrade_401"),
        (Refusal(503, "full"), "upgrade_503"),
        (Refusal(404), "upgrade_404"),
    ],
)
def test_a_call_that_is_refused_is_one_failed_session_and_no_turn(hold, refusal, error_class) -> None:
    def prepare(service) -> None:
        service.refusal = refusal

    rows, _ = hold(prepare)
    assert [table for table, _ in rows.all] == ["mishaps", "incidents", "sessions"]
    session = rows.session
    assert (session["outcome"], session["error_class"]) == ("failed", error_class)
    assert json.loads(session["errors"]) == {error_class: 1}
    assert (session["connected_ns"], session["session_success"], session["uptime"]) == (None, 0.0, 0.0)
    assert session["ended_ns"] > session["planned_ns"]


def test_a_call_that_cannot_connect_is_one_failed_session_and_no_turn(play, refused_url) -> None:
    async def scene(service, caller) -> None:
        await caller.call(refused_url).hold()

    rows, _ = play(scene)
    assert [table for table, _ in rows.all] == ["mishaps", "incidents", "sessions"]
    assert (rows.session["outcome"], rows.session["error_class"]) == ("failed", "connect_refused")
    assert "connection refused" in rows.session["error_detail"]


def test_a_call_without_a_key_is_one_failed_session(play, monkeypatch) -> None:
    for variable in ("RTBENCH_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)

    async def scene(service, caller) -> None:
        await caller.call("http://no-such-host.invalid/v1").hold()

    rows, _ = play(scene)
    assert (rows.session["outcome"], rows.session["error_class"]) == ("failed", "credentials_missing")


def test_a_service_that_never_greets_is_a_failed_session(play) -> None:
    async def scene(service, caller) -> None:
        service.welcome = lambda session: None
        call = caller.call(service.url)
        begin, begun = call.start, asyncio.Event()

        def start(connection) -> Call:
            begun.set()
            return begin(connection)

        call.start = start
        task = asyncio.create_task(call.hold())
        await begun.wait()
        call.conversation.wake(call.conversation.next_wake())
        call.settle()
        await task

    rows, service = play(scene)
    assert [table for table, _ in rows.all] == ["mishaps", "incidents", "sessions"]
    assert (rows.session["outcome"], rows.session["error_class"]) == ("failed", "setup_timeout")
    assert service.sessions[0].close[0] == 1000


def test_a_call_stopped_before_it_was_begun_never_connects(play) -> None:
    async def scene(service, caller) -> None:
        call = caller.call(service.url)
        call.stop(abort=True)
        await call.hold()

    rows, service = play(scene)
    assert [table for table, _ in rows.all] == ["sessions"]
    assert rows.session["outcome"] == "interrupted"
    assert service.requests == []


def test_a_call_aborted_while_it_connects_ends_at_once(play, silent_port) -> None:
    async def scene(service, caller) -> None:
        async with silent_port() as url:
            call = caller.call(url)
            task = asyncio.create_task(call.hold())
            await asyncio.sleep(0.02)
            call.stop(abort=True)
            async with asyncio.timeout(4):
                await task

    rows, _ = play(scene)
    assert [table for table, _ in rows.all] == ["sessions"]
    assert (rows.session["outcome"], rows.session["error_class"]) == ("interrupted", "")


def test_a_call_asked_to_end_while_it_connects_says_nothing_and_counts_as_drained(play) -> None:
    async def scene(service, caller) -> None:
        call = caller.call(service.url)
        task = asyncio.create_task(call.hold())
        await asyncio.sleep(0)
        call.stop()
        await task

    rows, service = play(scene)
    assert [table for table, _ in rows.all] == ["sessions"]
    assert rows.session["outcome"] == "drained"
    assert service.sessions[0].audio == b""


def test_a_call_aborted_in_mid_turn_ends_at_once_with_its_turn(play) -> None:
    async def scene(service, caller) -> None:
        service.answer = lambda session: None
        call = caller.call(service.url)
        task = asyncio.create_task(call.hold())
        await service.asked.wait()
        call.stop(abort=True)
        async with asyncio.timeout(4):
            await task

    rows, service = play(scene)
    assert [table for table, _ in rows.all] == ["turns", "sessions"]
    assert rows.of("turns")[0]["outcome"] == rows.session["outcome"] == "interrupted"
    assert service.sessions[0].close[0] == 1000


def test_a_call_asked_to_end_in_mid_turn_hears_its_answer_out(play, answer) -> None:
    async def scene(service, caller) -> None:
        call = caller.call(service.url)

        def stop_and_answer(session) -> None:
            call.stop()
            answer(session)

        service.answer = stop_and_answer
        await call.hold()

    rows, _ = play(scene)
    assert [turn["outcome"] for turn in rows.of("turns")] == ["answered"]
    assert (rows.session["outcome"], rows.session["turns"]) == ("drained", 1)


@pytest.mark.parametrize(
    ("leave", "error_class"),
    [
        (lambda connection: connection.abort(), "connection_lost"),
        (lambda connection: connection.close(1011, "overloaded"), "closed_1011"),
    ],
    ids=["without a word", "with a close frame"],
)
def test_a_service_that_leaves_in_mid_answer_drops_turn_and_session(
    hold, begin_answer_only, leave, error_class
) -> None:
    def prepare(service) -> None:
        def begin_and_leave(session) -> None:
            begin_answer_only(session)
            leave(session.connection)

        service.answer = begin_and_leave

    rows, _ = hold(prepare)
    turn = rows.of("turns")[0]
    assert (turn["outcome"], turn["error_class"]) == ("dropped", error_class)
    assert turn["first_audio_ns"] is not None or error_class == "connection_lost"
    assert (rows.session["outcome"], rows.session["error_class"]) == ("dropped", error_class)


def test_what_the_service_says_wrongly_is_counted_and_the_call_goes_on(hold, answer) -> None:
    def prepare(service) -> None:
        def ramble(session) -> None:
            session.connection.send(b"no json")
            session.connection.send(b'{"type":"response.done"}')
            session.say(s.UnknownEvent(type="response.novelty", payload={"n": 1}))
            session.connection.send(b'{"type":"input_audio_buffer.cleared","event_id":"e","surprise":1}')
            answer(session)

        service.answer = ramble

    rows, _ = hold(prepare)
    session = rows.session
    assert (session["outcome"], session["answered"]) == ("completed", 2)
    assert (session["malformed_events"], session["unknown_events"]) == (4, 2)
    assert json.loads(session["errors"]) == {"protocol_error": 4}
    assert json.loads(session["unknown_fields"]) == {"input_audio_buffer.cleared.surprise": 2}


def test_audio_that_is_no_base64_after_the_first_sound_does_not_stop_the_call(hold) -> None:
    """Nobody decodes it while the turn lasts: not before the picture of the turn is drawn."""

    def prepare(service) -> None:
        def garble(session) -> None:
            ids = {
                "response_id": f"resp_{session.responses}",
                "item_id": "i",
                "output_index": 0,
                "content_index": 0,
            }
            sound = Audio((b"\x00\x20\x00\xe0" * 12) * 200)
            session.say(r.ResponseCreated(response={"id": ids["response_id"]}))
            session.say(r.AudioDelta(**ids, delta=sound))
            session.say(r.AudioDelta(**ids, delta=Audio(base64="!" * 640)))
            session.say(r.AudioDone(**ids))
            session.say(r.ResponseDone(response={"id": ids["response_id"], "status": "completed"}))

        service.answer = garble

    rows, _ = hold(prepare)
    assert (rows.session["outcome"], rows.session["answered"]) == ("completed", 2)
    assert Counter(table for table, _ in rows.all)["waveforms"] == 2


def test_an_error_in_the_set_up_fails_the_session(hold) -> None:
    error = s.ErrorDetail(type="invalid_request_error", code="model_not_found", message="no such model")

    def prepare(service) -> None:
        service.welcome = lambda session: session.say(s.ErrorReceived(error=error))

    rows, _ = hold(prepare)
    session = rows.session
    assert (session["outcome"], session["error_class"]) == ("failed", "model_not_found")
    assert session["error_detail"] == "no such model"


def test_one_row_that_cannot_be_written_costs_no_other_and_fails_the_session(play) -> None:
    async def scene(service, caller) -> None:
        call = caller.call(service.url)
        write = call._ledger.turn

        def fragile(turn, *others) -> None:
            if turn.number == 1:
                raise ZeroDivisionError("by nobody foreseen")
            write(turn, *others)

        call._ledger.turn = fragile
        with pytest.raises(ZeroDivisionError):
            await call.hold()

    rows, _ = play(scene)
    assert [turn["number"] for turn in rows.of("turns")] == [2]
    session = rows.session
    assert (session["outcome"], session["error_class"]) == ("failed", "engine_fault")
    assert session["error_detail"] == "ZeroDivisionError: by nobody foreseen"
    assert json.loads(session["errors"]) == {"engine_fault": 1}
    assert session["session_success"] == 0.0


def test_of_rows_that_finish_together_those_behind_a_bad_one_are_written(play) -> None:
    """All that is left is written at the end, in one go."""

    async def scene(service, caller) -> None:
        call = caller.call(service.url)
        written = []

        def fragile(record) -> None:
            written.append(record)
            if len(written) == 1:
                raise ZeroDivisionError

        call._write_row = fragile
        call._finished = ["bad", "good", "better"]
        call._write_rows()
        assert written == ["bad", "good", "better"]
        call.stop(abort=True)
        with pytest.raises(ZeroDivisionError):
            await call.hold()

    play(scene)


def test_a_line_that_fails_as_nobody_foresaw_fails_the_session_and_is_told(play) -> None:
    class BrokenLine:
        async def dial(self, begin, session, model) -> None:
            raise ZeroDivisionError("by nobody foreseen")

        async def leave(self, session) -> None: ...

    async def scene(service, caller) -> None:
        call = caller.call(service.url)
        call._new_line = lambda link: BrokenLine()
        with pytest.raises(ZeroDivisionError):
            await call.hold()

    rows, _ = play(scene)
    assert (rows.session["outcome"], rows.session["error_class"]) == ("failed", "engine_fault")
    assert rows.session["ended_ns"] > rows.session["planned_ns"]


def test_a_call_that_is_over_is_gone_at_once(play) -> None:
    """Not with the next full collection, which an engine that keeps time avoids."""

    async def scene(service, caller) -> None:
        async def held() -> weakref.ref:
            call = caller.call(service.url)
            await call.hold()
            return weakref.ref(call)

        gc.disable()
        try:
            gone = await held()
            async with asyncio.timeout(5):  # its connection is still closing
                while gone() is not None:  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(0.001)
        finally:
            gc.enable()

    play(scene)


def test_a_step_changes_the_network_under_way_both_ways_and_back(
    served, scenario_file, caller_at, tmp_path
) -> None:
    """The first turn stands behind a plain network, the second behind 100 ms each way, and nothing is overtaken."""
    path = scenario_file(
        (
            "  - repeat:\n      times: 2\n      steps:\n        - say: {role: question}\n        - listen\n",
            "  - {say: question_a}\n  - listen\n  - network: {delay: 100 ms}\n  - {say: question_b}\n  - network: none\n  - listen\n",
        )
    )

    async def stage():
        async with served() as service, asyncio.timeout(20):
            caller = caller_at(path, RunDirectory(tmp_path))
            try:
                await caller.call(service.url).hold()
            finally:
                caller.close()
            return caller.rows, service.sessions[0]

    rows, heard = asyncio.run(stage())
    first, second = rows.of("turns")
    session = rows.session
    assert (session["outcome"], session["tcp_ms"] < 100) == ("completed", True)
    assert first["response_created_ns"] - first["commit_sent_ns"] < 100 * NS_PER_MS
    assert (
        second["response_created_ns"] - second["commit_sent_ns"] >= 100 * NS_PER_MS
    )  # up alone: it was changed back
    kinds = [type(event) for event in heard.heard]
    audio = bytes(heard.audio)
    assert len(audio) == session["frames_sent"] * FRAME_BYTES
    assert kinds.count(c.InputAudioCommit) == kinds.count(c.ResponseCreate) == 2
    assert session["simulation_late_ms"] is not None
