import asyncio
import gc
from collections import Counter
from types import SimpleNamespace
from typing import ClassVar

import pytest

from rtbench.core.errors import TargetUnreachable, UsageError
from rtbench.core.sessions import Session
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.engine import engine as engine_module
from rtbench.engine.engine import Engine
from rtbench.engine.messages import (
    CallOver,
    Configure,
    FromEngine,
    Goodbye,
    Row,
    StartCall,
    StopCall,
)
from rtbench.results.reader import read_trace
from rtbench.results.run_directory import RunDirectory

ONE_TURN = ("times: 2", "times: 1")
TRANSCRIPTS = ("think_time: 0 ms", "think_time: 0 ms\nrecord: {transcripts: true}")


class Worker:
    """An engine in this process, and what it says."""

    def __init__(self, settings: Configure) -> None:
        self.said: list[FromEngine] = []
        self._over: dict[int, asyncio.Event] = {}
        self.engine = Engine(settings, self._hear)

    def _hear(self, message: FromEngine) -> None:
        self.said.append(message)
        if isinstance(message, CallOver):
            self._over[message.call].set()

    def start(self, number: int, scenario: str = "pushed") -> None:
        self._over[number] = asyncio.Event()
        self.engine.start_call(StartCall(number, scenario, user=number, iteration=0, seed=number))

    async def over(self, *numbers: int) -> None:
        for number in numbers:
            await self._over[number].wait()

    def rows(self, table: str) -> list[dict]:
        return [m.columns for m in self.said if isinstance(m, Row) and m.table == table]

    @property
    def counts(self) -> Counter[str]:
        return Counter(message.table for message in self.said if isinstance(message, Row))

    @property
    def goodbye(self) -> Goodbye:
        last = self.said[-1]
        assert isinstance(last, Goodbye)
        return last


@pytest.fixture
def run(served, tmp_path, settings_of):
    """Plays `scene(service, make_worker)`; sees that nothing is left behind in the loop, and in the collector."""

    def play(scene):
        async def stage():
            async with served() as service, asyncio.timeout(30):
                return await scene(service, lambda *paths: Worker(settings_of(service.url, tmp_path, *paths)))

        async def alone():
            result = await stage()
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        before = (gc.get_threshold(), list(gc.callbacks))
        result = asyncio.run(alone())
        assert (gc.get_threshold(), gc.callbacks) == before
        return result

    return play


def test_calls_are_held_side_by_side_and_every_row_is_counted_in_the_goodbye(run, scenario_file) -> None:
    async def scene(service, make_worker) -> Worker:
        worker = make_worker(scenario_file(ONE_TURN))
        await worker.engine.probe()
        for number in range(5):
            worker.start(number)
        await worker.over(*range(5))
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    assert worker.goodbye.rows == dict(worker.counts)
    assert worker.goodbye.trace_error == ""
    assert (worker.counts["sessions"], worker.counts["turns"]) == (5, 5)
    assert worker.counts["generator"] >= 1
    assert {row["outcome"] for row in worker.rows("turns")} == {"answered"}
    assert {row["session"] for row in worker.rows("sessions")} == {f"w4-{n:06d}" for n in range(5)}


def test_a_call_is_over_after_its_last_row_and_says_how_it_ended(run, scenario_file) -> None:
    async def scene(service, make_worker) -> Worker:
        worker = make_worker(scenario_file(ONE_TURN))
        worker.start(7)
        await worker.over(7)
        await worker.engine.shut_down()
        return worker

    said = [m for m in run(scene).said if not (isinstance(m, Row) and m.table in ("generator", "waveforms"))]
    assert [type(message).__name__ for message in said] == ["Row", "Row", "CallOver", "Goodbye"]
    assert [message.table for message in said[:2]] == ["turns", "sessions"]
    assert said[2] == CallOver(7, "completed")


def test_a_call_that_fails_says_why(run, scenario_file, refused_url, tmp_path, settings_of) -> None:
    async def scene(service, make_worker) -> Worker:
        worker = Worker(settings_of(refused_url, tmp_path, scenario_file()))
        worker.start(0)
        await worker.over(0)
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    (over,) = [message for message in worker.said if isinstance(message, CallOver)]
    assert (over.outcome, over.error_class) == ("failed", "connect_refused")
    assert over.error_detail == worker.rows("sessions")[0]["error_detail"]
    assert worker.goodbye.rows == dict(worker.counts)


def test_a_call_that_cannot_begin_fails_alone(run, scenario_file, monkeypatch) -> None:
    class Fragile(engine_module.Call):
        def __init__(self, around, plan, keys, *others) -> None:
            if keys.user == 1:
                raise ZeroDivisionError("by nobody foreseen")
            super().__init__(around, plan, keys, *others)

    monkeypatch.setattr(engine_module, "Call", Fragile)

    async def scene(service, make_worker) -> Worker:
        worker = make_worker(scenario_file(ONE_TURN))
        for number in range(3):
            worker.start(number)
        worker.start(3, "nobody-knows")
        await worker.over(*range(4))
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    told = {m.call: (m.outcome, m.error_class) for m in worker.said if isinstance(m, CallOver)}
    fine, failed = ("completed", ""), ("failed", "not_begun")
    assert told == {0: fine, 1: failed, 2: fine, 3: failed}
    rows = {row["session"]: row for row in worker.rows("sessions")}
    assert {name: row["error_class"] for name, row in rows.items()} == {
        "w4-000000": "",
        "w4-000001": "not_begun",
        "w4-000002": "",
    }
    assert rows["w4-000001"]["error_detail"] == "ZeroDivisionError: by nobody foreseen"
    assert rows["w4-000001"].keys() == rows["w4-000000"].keys()
    assert rows["w4-000001"]["session_success"] == 0.0
    assert worker.goodbye.rows == dict(worker.counts)


def test_callers_spread_their_frames_evenly_whatever_their_number(run, scenario_file) -> None:
    phases_ns = []

    async def scene(service, make_worker) -> None:
        worker = make_worker(scenario_file())
        for number in range(50):
            worker.start(number)
        worker.engine._doorway.hurry_all()
        phases_ns.extend(call.conversation._phase_ns for call in worker.engine._calls.values())
        await worker.engine.shut_down()

    run(scene)
    ordered = sorted(phases_ns)
    gaps_ns = [
        after - before for before, after in zip(ordered, [*ordered[1:], ordered[0] + 20_000_000], strict=True)
    ]
    assert max(gaps_ns) < 2.7 * 20_000_000 / 50


def test_shutting_down_aborts_what_still_runs_and_loses_no_row(run, scenario_file) -> None:
    async def scene(service, make_worker) -> Worker:
        service.answer = lambda session: None
        worker = make_worker(scenario_file())
        worker.start(0)
        worker.start(1)
        await service.asked.wait()
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    assert {row["outcome"] for row in worker.rows("sessions")} == {"interrupted"}
    assert worker.counts["sessions"] == 2
    assert worker.counts["turns"] >= 1
    assert worker.goodbye.rows == dict(worker.counts)


def test_shutting_down_does_not_wait_for_a_target_that_never_answers(
    run, scenario_file, silent_port, tmp_path, settings_of
) -> None:
    async def scene(service, make_worker) -> Worker:
        async with silent_port() as url:
            worker = Worker(settings_of(url, tmp_path, scenario_file()))
            worker.start(0)
            await asyncio.sleep(0.02)
            async with asyncio.timeout(4):
                await worker.engine.shut_down()
        return worker

    worker = run(scene)
    assert [row["outcome"] for row in worker.rows("sessions")] == ["interrupted"]
    assert worker.goodbye.rows == dict(worker.counts)


def test_a_call_can_be_stopped_and_one_that_is_over_no_more(run, scenario_file) -> None:
    async def scene(service, make_worker) -> Worker:
        service.answer = lambda session: None
        worker = make_worker(scenario_file())
        worker.start(0)
        await service.asked.wait()
        worker.engine.stop_call(StopCall(0, abort=True))
        await worker.over(0)
        worker.engine.stop_call(StopCall(0, abort=True))
        worker.engine.stop_call(StopCall(99))
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    assert [m.outcome for m in worker.said if isinstance(m, CallOver)] == ["interrupted"]


def test_scenarios_are_told_apart_by_name(run, scenario_file) -> None:
    async def scene(service, make_worker) -> Worker:
        other = scenario_file(ONE_TURN, ("name: pushed", "name: other"))
        worker = make_worker(scenario_file(), other)
        worker.start(0, "other")
        await worker.over(0)
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    assert [(row["scenario"], row["turns"]) for row in worker.rows("sessions")] == [("other", 1)]


def test_two_scenarios_of_one_name_are_refused_naming_the_second(run, scenario_file) -> None:
    async def scene(service, make_worker) -> None:
        with pytest.raises(
            UsageError, match=r"second\.yaml:1: name: two scenarios of the run are named 'pushed'"
        ):
            make_worker(scenario_file(), scenario_file(name="second.yaml"))

    run(scene)


def test_a_scenario_that_cannot_be_used_is_refused(run, scenario_file) -> None:
    async def scene(service, make_worker) -> None:
        with pytest.raises(UsageError, match=r"scenario\.yaml:\d+: .*yes_no"):
            make_worker(scenario_file(("role: question", "role: yes_no")))

    run(scene)


def test_the_probe_tells_of_a_target_that_is_not_there(
    run, scenario_file, refused_url, tmp_path, settings_of
) -> None:
    async def scene(service, make_worker) -> None:
        worker = Worker(settings_of(refused_url, tmp_path, scenario_file()))
        with pytest.raises(TargetUnreachable):
            await worker.engine.probe()
        await worker.engine.shut_down()

    run(scene)


@pytest.mark.parametrize("recorded", [False, True])
def test_words_are_traced_only_where_every_scenario_records_them(
    run, scenario_file, tmp_path, recorded
) -> None:
    def say_words(session) -> None:
        session.connection.send(b'{"type":"error","error":{"type":"x","message":"m"}}')
        session.connection.send(
            b'{"type":"response.output_text.delta","response_id":"r","item_id":"i",'
            b'"output_index":0,"content_index":0,"delta":"secret words"}'
        )
        session.connection.close()

    async def scene(service, make_worker) -> None:
        service.answer = say_words
        with_words = scenario_file(TRANSCRIPTS)
        without = scenario_file(("name: pushed", "name: silent"))
        worker = make_worker(with_words) if recorded else make_worker(with_words, without)
        worker.start(0)
        await worker.over(0)
        await worker.engine.shut_down()

    run(scene)
    trace = read_trace(RunDirectory(tmp_path), ["w4-000000"])
    assert trace["detail"].str.contains("secret words").any() == recorded


def test_a_trace_that_could_not_be_written_is_told_in_the_goodbye(run, scenario_file, tmp_path) -> None:
    (tmp_path / "trace").write_text("a file where the folder should be")

    async def scene(service, make_worker) -> Worker:
        worker = make_worker(scenario_file(ONE_TURN))
        worker.start(0)
        await worker.over(0)
        await worker.engine.shut_down()
        return worker

    worker = run(scene)
    assert "part of the trace could not be written" in worker.goodbye.trace_error
    assert worker.goodbye.rows["sessions"] == 1


def test_a_whole_call_with_turn_detection_against_the_emulator(
    corpus_folder, scenario_file, tmp_path, settings_of
) -> None:
    """The only test here in which nobody follows a script; measured is never less than what was applied.

    The sum of both parts is: the instant between them is that of a message which may arrive late.
    """
    profile = Profile.model_validate({"response_delay": "40 ms", "pace": "burst", "min_speech": "40 ms"})
    detection = "{turn_detection: {type: server_vad, silence_duration_ms: 100, prefix_padding_ms: 0}}"

    async def scene() -> Worker:
        server = EmulatorServer(load_service(corpus_folder, profile))
        port = await server.start("127.0.0.1", 0)
        path = scenario_file(ONE_TURN, ("{turn_detection: none}", detection))
        worker = Worker(settings_of(f"http://127.0.0.1:{port}/v1", tmp_path, path))
        await worker.engine.probe()
        worker.start(0)
        await worker.over(0)
        await worker.engine.shut_down()
        await server.stop()
        return worker

    worker = asyncio.run(scene())
    (turn,) = worker.rows("turns")
    assert (turn["outcome"], turn["kind"]) == ("answered", "spoken")
    assert turn["endpoint_delay_ms"] >= 100
    assert turn["endpoint_delay_ms"] + turn["speech_stop_to_first_audio_ms"] >= 100 + 40
    assert turn["identity_error_ms"] == pytest.approx(0, abs=1e-6)
    assert worker.rows("sessions")[0]["errors"] == "{}"


class DegradedCall:
    """A call whose network was bad, as far as an engine sees it."""

    held: ClassVar[list[tuple[str, str, int]]] = []

    def __init__(self, around, plan, keys, seed, phase_ns, trace) -> None:
        self.session = Session()
        self.conversation = SimpleNamespace(session=self.session)
        self._row = (keys.session, plan.scenario.codec)

    async def hold(self) -> None:
        self.session.network.degraded_intervals = 1
        self.held.append((*self._row, self.session.network.codec_fallbacks))


@pytest.mark.parametrize(
    ("adaptive", "codecs"), [("true", ["opus", "opus", "pcmu"]), ("false", ["opus"] * 3)]
)
def test_after_a_degraded_call_its_caller_s_next_one_is_in_another_codec(
    run, scenario_file, monkeypatch, adaptive, codecs
) -> None:
    monkeypatch.setattr(engine_module, "Call", DegradedCall)
    monkeypatch.setattr(DegradedCall, "held", [])
    path = scenario_file(
        ("frame: 20 ms", f"transport: webrtc\nnetwork_alert: {{adaptive_codec: {adaptive}}}")
    )

    async def scene(service, make_worker) -> None:
        worker = make_worker(path)
        for number, user in ((0, 7), (1, 8), (2, 7)):
            worker._over[number] = asyncio.Event()
            worker.engine.start_call(StartCall(number, "pushed", user=user, iteration=number, seed=1))
            await worker.over(number)
        await worker.engine.shut_down()

    run(scene)
    assert [codec for _, codec, _ in DegradedCall.held] == codecs
    assert [fallbacks for *_, fallbacks in DegradedCall.held] == [int(codec == "pcmu") for codec in codecs]
