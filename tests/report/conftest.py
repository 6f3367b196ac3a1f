"""Fixture: a run's directory as a load test leaves it, drawn by seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hdrh.histogram import HdrHistogram

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.summary import Summary, summarise
from rtbench.analysis.sweep import PointResult, SweepPoint
from rtbench.analysis.turn_taking import ConversationFlow, FlowPart
from rtbench.analysis.verdict import Level
from rtbench.core.metrics import SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.core.metrics.turn_taking import is_eligible
from rtbench.core.sessions import Session
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn
from rtbench.report.build import load_run
from rtbench.results import schema
from rtbench.results.provenance import CorpusSource, Provenance, ScenarioSource, ended, write_run_json
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory
from rtbench.results.writer import RowWriter

MS = 1_000_000
S = 1_000_000_000
STARTED = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
UNIX_NS = int(STARTED.timestamp()) * S
MONOTONIC_NS = 5_000 * S
TIMEOUT_NS = 15 * S
RATE_HZ = 24_000
KINDS = ("backchannel", "cough", "noise", "side_talk", "click")
KIND_SHARES = (0.4, 0.2, 0.2, 0.17, 0.03)
FALLS_FOR = {"backchannel": 0.35, "cough": 0.15, "noise": 0.08, "side_talk": 0.6, "click": 0.0}
"""How often the drawn agent takes a sound for the caller."""

CLIPS = ("hours_question", "refund_question", "address_statement", "thanks")

SCENARIO = """\
name: support_call
conversation:
  - say: hours_question
  - listen
thresholds:
  voice_to_voice_ms: {p50: "< 900", p95: "< 1500"}
  response_rate: {rate: ">= 0.99"}
"""
THRESHOLDS = (
    {"metric": "voice_to_voice_ms", "statistic": "p50", "operator": "<", "limit": 900},
    {"metric": "voice_to_voice_ms", "statistic": "p95", "operator": "<", "limit": 1500},
    {"metric": "response_rate", "statistic": "rate", "operator": ">=", "limit": 0.99},
)

TABLES = {
    "turns": schema.TURNS, "sessions": schema.SESSIONS, "stimuli": schema.STIMULI, "generator": schema.GENERATOR,
    "waveforms": schema.WAVEFORMS, "recordings": schema.RECORDINGS,
}  # fmt: skip

RunMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> RunMaker:
    """Write a run of so many sessions of so many turns; returns its directory."""

    def make(
        sessions: int = 60,
        turns: int = 8,
        seed: int = 1,
        corpus: Path = Path("no-corpus"),
        ended_well: bool = True,
    ) -> Path:
        return _Writer(tmp_path_factory.mktemp("runs"), seed, corpus).write(sessions, turns, ended_well)

    return make


@pytest.fixture(scope="session")
def synthetic_run(make_run: RunMaker) -> Path:
    """60 sessions of 8 turns with every outcome in it; only for reading."""
    return make_run()


class _Writer:
    """Draws sessions whose turns are alike, and writes them as an engine does."""

    def __init__(self, base: Path, seed: int, corpus: Path):
        self.random = np.random.default_rng(seed)
        self.directory = RunDirectory.create(base, "support_call", STARTED)
        self.truth: list[dict[str, Any]] = []
        self.corpus = corpus
        self.tables = {name: RowWriter(self.directory.path, name, kind) for name, kind in TABLES.items()}
        self.tables["trace"] = RowWriter(self.directory.trace, "engine-1", schema.TRACE)
        self.turn_rows_appended = 0
        self.stimuli_of_session = 0

    def write(self, sessions: int, turns: int, ended_well: bool) -> Path:
        starts = MONOTONIC_NS + (np.sort(self.random.uniform(0, 30, sessions)) * S).astype(np.int64)
        spans = [self._session(number, int(start), turns) for number, start in enumerate(starts)]
        self._generator(spans, rows=len(spans) + self.turn_rows_appended)
        for writer in self.tables.values():
            writer.close()
        self.directory.emulator_log.write_text("".join(json.dumps(row) + "\n" for row in self.truth))
        self._provenance(spans, ended_well)
        return self.directory.path

    def _session(self, number: int, start_ns: int, turns: int) -> tuple[int, int]:
        random = self.random
        name, mood = f"s{number:05d}", random.normal(0, 0.2)
        self.stimuli_of_session = 0
        record = Session(session_id=f"sess_{number}", outcome="completed", planned_ns=start_ns)
        record.connected_ns = start_ns + int(random.uniform(4, 30) * MS)
        record.created_ns = record.connected_ns + int(random.uniform(1, 9) * MS)
        record.update_sent_ns = record.created_ns + MS
        record.updated_ns = record.update_sent_ns + int(random.uniform(1, 12) * MS)
        record.tcp_ms, record.upgrade_ms = 0.4, 3.1
        now = record.updated_ns + 300 * MS
        if number % 29 == 28:
            record.outcome, record.error_class, record.connected_ns = "failed", "upgrade_refused", None
            record.created_ns = record.update_sent_ns = record.updated_ns = None
            turns, now = 0, start_ns + 200 * MS
        for index in range(turns):
            turn = self._turn(name, record, index, now, mood)
            now = turn.closed_ns + int(random.uniform(200, 900) * MS)
            record.turns += 1
            record.answered += turn.outcome == "answered"
            if turn.outcome == "dropped":
                record.outcome = "dropped"
                record.error_class = turn.error_class
                break
        record.ended_ns = now
        self._append_session(name, number, record)
        return start_ns, now

    def _turn(self, name: str, session: Session, index: int, now: int, mood: float) -> Turn:
        random, user = self.random, int(name[1:])
        turn = Turn(number=index, clip=CLIPS[index % len(CLIPS)], voice="rms", user_speech_start_ns=now)
        turn.user_speech_end_ns = end = now + int(random.uniform(900, 2500) * MS)
        turn.speech_started_ns = now + 60 * MS
        turn.speech_stopped_ns = end + int(random.normal(505, 8) * MS)
        turn.response_id = f"resp_{user}_{index}"
        fate = random.uniform()
        if fate < 0.012:
            turn.outcome, turn.response_id, turn.error_class = "no_answer", "", "answer_timeout"
            turn.closed_ns = end + TIMEOUT_NS
        elif fate < 0.020:
            turn.outcome, turn.error_class = "failed", "server_error"
            session.errors["server_error"] += 1
            turn.response_created_ns = turn.speech_stopped_ns + 20 * MS
            turn.closed_ns = end + 900 * MS
        elif fate < 0.026:
            turn.outcome, turn.error_class = "dropped", "connection_closed_1006"
            session.errors["connection_closed_1006"] += 1
            turn.closed_ns = end + 700 * MS
        else:
            self._answer(turn, session, name, mood + 0.04 * index)
        turn.hold_pauses = int(random.integers(0, 3))
        turn.false_cutoffs = int(random.binomial(turn.hold_pauses, 0.08))
        turn.agent_cut_in = turn.false_cutoffs > 0 and bool(random.uniform() < 0.5)
        turn.overlap_ms = float(random.uniform(50, 400)) if turn.agent_cut_in else 0.0
        truth = self._append_turn(name, session, user, turn, late=user % 20 == 7 and index == 3)
        if turn.outcome == "answered" and truth:
            self._speak_into(turn, name, session, user, truth)
        return turn

    def _answer(self, turn: Turn, session: Session, name: str, mood: float) -> None:
        random = self.random
        assert turn.speech_stopped_ns is not None
        turn.outcome, turn.response_status = "answered", "completed"
        model_ms = float(np.exp(np.log(260) + mood + random.normal(0, 0.35)))
        turn.response_created_ns = turn.speech_stopped_ns + 12 * MS
        turn.first_audio_ns = turn.speech_stopped_ns + int(model_ms * MS)
        turn.first_text_ns = turn.first_audio_ns - 5 * MS
        turn.leading_silence_ms = float(random.choice([30.0, 90.0, 110.0]))
        turn.playout_wait_ms = float(random.exponential(2.0))
        turn.audible_ns = turn.first_audio_ns + int((turn.leading_silence_ms + turn.playout_wait_ms) * MS)
        turn.audio_ms = float(random.uniform(1200, 4200))
        turn.last_audio_ns = turn.first_audio_ns + int(turn.audio_ms * 0.5 * MS)
        turn.response_done_ns = turn.last_audio_ns + 8 * MS
        turn.playout_end_ns = turn.first_audio_ns + int((turn.audio_ms + turn.playout_wait_ms) * MS)
        turn.chunks, turn.chunk_gap_max_ms = int(turn.audio_ms // 100), 104.0
        turn.min_prebuffer_ms = 0.0
        if random.uniform() < 0.03:
            turn.underrun_count, turn.underrun_total_ms, turn.underrun_max_ms = 1, 140.0, 140.0
        turn.closed_ns = turn.playout_end_ns
        self._waveform_and_trace(turn, name)

    def _waveform_and_trace(self, turn: Turn, name: str) -> None:
        windows = int(turn.audio_ms // 20)
        swell = np.abs(np.sin(np.arange(windows) / 7)) * self.random.uniform(0.3, 1, windows)
        swell[: int((turn.leading_silence_ms or 0) // 20)] = 0
        self.tables["waveforms"].append(
            {"session": name, "turn": turn.number, "window_ms": 20.0, "start_ns": turn.first_audio_ns,
             "peaks": (swell * 14_000).astype(np.int16).tolist()}
        )  # fmt: skip
        for kind, at_ns in (
            ("input_audio_buffer.speech_stopped", turn.speech_stopped_ns),
            ("response.created", turn.response_created_ns),
            ("response.output_audio.delta", turn.first_audio_ns),
            ("response.done", turn.response_done_ns),
        ):
            self.tables["trace"].append({"session": name, "at_ns": at_ns, "type": kind, "detail": "{}"})

    def _append_turn(
        self, name: str, session: Session, user: int, turn: Turn, late: bool
    ) -> dict[str, Any] | None:
        self.turn_rows_appended += 1
        speech_end_sample = (turn.user_speech_end_ns - MONOTONIC_NS) * RATE_HZ // S
        metrics = {metric.name: metric.compute(turn) for metric in TURN_METRICS}
        self.tables["turns"].append(
            asdict(turn) | metrics | _keys(name, session, user)
            | {"at_unix_ns": turn.user_speech_end_ns - MONOTONIC_NS + UNIX_NS, "concurrency": 20,
               "speech_end_sample": speech_end_sample, "frame_late_max_ms": 24.0 if late else 1.2,
               "identity_error_ms": 0.0, "void": late, "void_reason": "frame_late" if late else ""}
        )  # fmt: skip
        if turn.first_audio_ns is None or turn.speech_stopped_ns is None:
            return None
        noise_ns = int(self.random.normal(0.3, 0.4) * MS)
        endpoint_ms = (turn.speech_stopped_ns - turn.user_speech_end_ns) / MS
        self.truth.append(
            {"session_id": session.session_id, "response_id": turn.response_id, "input_rate_hz": RATE_HZ,
             "endpoint_sample": speech_end_sample + round(endpoint_ms * RATE_HZ / 1000),
             "endpoint_received_ns": turn.speech_stopped_ns + 77 * S,
             "first_audio_sent_ns": turn.first_audio_ns + 77 * S - noise_ns,
             "audible_offset_ms": turn.leading_silence_ms, "audio_ms": turn.audio_ms}
        )  # fmt: skip
        return self.truth[-1]

    def _speak_into(self, turn: Turn, name: str, session: Session, user: int, truth: dict[str, Any]) -> None:
        """An interruption into two answers of five, one of twenty missed; a disturbance into two of five."""
        random, fate = self.random, self.random.uniform()
        if fate > 0.8 or turn.audible_ns is None:
            return
        self.stimuli_of_session += 1
        onset = turn.audible_ns + int(random.uniform(400, 1100) * MS)
        stimulus = Stimulus(
            number=self.stimuli_of_session, turn=turn.number, kind="interrupt", clip="wait_stop", takes_turn=True,
            policy="flush_on_speech_started", response_id=turn.response_id, onset_ns=onset, end_ns=onset + 900 * MS,
            unheard_ms=float(random.uniform(1800, 8000)), closed_ns=onset + 3_000 * MS,
        )  # fmt: skip
        if fate > 0.4:
            stimulus.kind, stimulus.takes_turn = str(random.choice(KINDS, p=KIND_SHARES)), False
            stimulus.clip, stimulus.end_ns = stimulus.kind, onset + 300 * MS
        if random.uniform() > (0.05 if stimulus.takes_turn else 1 - FALLS_FOR[stimulus.kind]):
            self._stop_agent(stimulus)
        else:
            stimulus.silent_ns = onset + int(stimulus.unheard_ms * MS)
        self._append_stimulus(name, session, user, stimulus, truth)

    def _stop_agent(self, stimulus: Stimulus) -> None:
        random, onset = self.random, stimulus.onset_ns
        stimulus.speech_started_ns = onset + int(random.normal(180, 25) * MS)
        stimulus.flushed_ns = stimulus.speech_started_ns + int(random.exponential(4) * MS)
        stimulus.silent_ns = stimulus.flushed_ns
        stimulus.cancelled_ns = stimulus.speech_started_ns + int(random.lognormal(np.log(40), 0.6) * MS)
        stimulus.last_audio_ns = stimulus.cancelled_ns - 2 * MS
        if random.uniform() < 0.1:
            stimulus.stale_audio_ms = 200.0
            stimulus.last_audio_ns = stimulus.cancelled_ns + 60 * MS
        stimulus.truncate_sent_ns = stimulus.flushed_ns + MS
        stimulus.truncate_audio_end_ms, stimulus.truncate_heard_ms = 900, 899.2
        if random.uniform() < 0.04:
            stimulus.truncate_error = "invalid_value"
        stimulus.answer_created_ns = stimulus.end_ns + 520 * MS
        if random.uniform() < 0.9:
            stimulus.resumed_ns = stimulus.end_ns + int(random.lognormal(np.log(900), 0.2) * MS)
            stimulus.answer_audible_ns = stimulus.resumed_ns

    def _append_stimulus(
        self, name: str, session: Session, user: int, stimulus: Stimulus, truth: dict[str, Any]
    ) -> None:
        onset_sample = (stimulus.onset_ns - MONOTONIC_NS) * RATE_HZ // S
        metrics = {metric.name: metric.compute(stimulus) for metric in STIMULUS_METRICS}
        self.tables["stimuli"].append(
            asdict(stimulus) | metrics | _keys(name, session, user)
            | {"at_unix_ns": stimulus.onset_ns - MONOTONIC_NS + UNIX_NS, "eligible": is_eligible(stimulus),
               "onset_sample": onset_sample, "frame_late_max_ms": 1.2, "void": False, "void_reason": ""}
        )  # fmt: skip
        if stimulus.speech_started_ns is not None and stimulus.cancelled_ns is not None:
            noise_ns = int(self.random.normal(0.4, 0.3) * MS)
            truth |= {
                "interruption_decided_sample": onset_sample + 120 * RATE_HZ // 1000,
                "interruption_received_ns": stimulus.onset_ns + 77 * S + 120 * MS,
                "interruption_speech_started_sent_ns": stimulus.speech_started_ns + 77 * S - noise_ns,
                "last_audio_sent_ns": (stimulus.last_audio_ns or 0) + 77 * S - noise_ns,
                "response_done_sent_ns": stimulus.cancelled_ns + 77 * S - noise_ns,
            }
        if metrics["yielded"] == 0.0:
            self._append_recording(name, stimulus)

    def _append_recording(self, name: str, stimulus: Stimulus) -> None:
        """From a second before the onset on: the agent until it fell silent, the caller while it spoke."""
        rate_hz, start_ns = 8_000, stimulus.onset_ns - S
        at_ns = start_ns + np.arange(6 * rate_hz) * (S // rate_hz)
        voice = self.random.normal(0, 2_500, len(at_ns)) * np.abs(np.sin(at_ns / 9e7))
        speaking = (at_ns >= stimulus.onset_ns) & (at_ns < stimulus.end_ns)
        speaks = at_ns < (stimulus.silent_ns or 0)
        self.tables["recordings"].append(
            {"session": name, "turn": stimulus.turn, "stimulus": stimulus.number, "rate_hz": rate_hz,
             "start_ns": start_ns, "caller": (voice * speaking).astype("<i2").tobytes(),
             "agent": (voice[::-1] * speaks).astype("<i2").tobytes()}
        )  # fmt: skip

    def _append_session(self, name: str, user: int, record: Session) -> None:
        metrics = {metric.name: metric.compute(record) for metric in SESSION_METRICS}
        fields = asdict(record)
        row = fields | fields.pop("network") | metrics | _keys(name, record, user)
        row |= {"at_unix_ns": record.planned_ns - MONOTONIC_NS + UNIX_NS, "errors": json.dumps(record.errors)}
        row |= {"states": json.dumps(record.states)}
        self.tables["sessions"].append(
            row | {"unknown_fields": "{}", "bytes_sent": 10, "frame_late_max_ms": 2.0}
        )

    def _generator(self, spans: list[tuple[int, int]], rows: int) -> None:
        last = max(end for _, end in spans)
        for now in range(MONOTONIC_NS, last + S, S):
            alive = sum(start <= now < end for start, end in spans)
            histogram = HdrHistogram(1, 60_000_000, 3)
            for value in self.random.lognormal(np.log(300), 0.6, max(alive, 1) * 5):
                histogram.record_value(int(value) + 1)
            self.tables["generator"].append(
                {"worker": "w1", "at_unix_ns": now - MONOTONIC_NS + UNIX_NS, "interval_ms": 1000.0, "sessions": alive,
                 "cpu_share": 0.05 + 0.004 * alive, "loop_lag_max_ms": float(self.random.exponential(1.5)),
                 "gc_pause_max_ms": 0.4, "gc_pause_total_ms": 0.6, "frames_sent": alive * 25,
                 "send_lateness_max_ms": histogram.get_max_value() / 1000, "send_lateness": histogram.encode().decode(),
                 "rows_written": rows if now + S >= last else 0, "rss_bytes": 90_000_000}
            )  # fmt: skip

    def _provenance(self, spans: list[tuple[int, int]], ended_well: bool) -> None:
        run = Provenance(
            scenarios=[ScenarioSource("support_call", "scenarios/support_call.yaml", SCENARIO)],
            corpus=CorpusSource("english", str(self.corpus), "c0ffee" * 10), seed=1, target="emulator", transport="websocket",
            command=["rtbench", "run", "scenarios/support_call.yaml"], started_at=STARTED, thresholds=THRESHOLDS,
        ).as_dict()  # fmt: skip
        if ended_well:
            rows = len(spans) + self.turn_rows_appended
            seconds = (max(end for _, end in spans) - MONOTONIC_NS) / S
            counted = Reconciliation(rows_sent=rows, rows_received=rows, sessions_started=len(spans))
            run = ended(run, STARTED + timedelta(seconds=seconds), counted)
        write_run_json(self.directory.run_json, run)


def _keys(name: str, session: Session, user: int) -> dict[str, Any]:
    return {"worker": "w1", "session": name, "session_id": session.session_id, "user": user, "iteration": 0,
            "scenario": "support_call", "transport": "websocket"}  # fmt: skip


@pytest.fixture(scope="session")
def run(synthetic_run: Path) -> Run:
    """The synthetic run as figures and page expect it."""
    return load_run(synthetic_run)


@pytest.fixture(scope="session")
def empty_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was killed before anything was written."""
    directory = tmp_path_factory.mktemp("killed")
    write_run_json(directory / "run.json", {})
    return load_run(directory)


@pytest.fixture(scope="session")
def summary(run: Run) -> Summary:
    return summarise(run)


@pytest.fixture(scope="session")
def make_point() -> Callable[..., PointResult]:
    """A point of a sweep by its setting, median dead air, share of pauses cut off and verdict."""

    def make(
        silence_ms: int,
        dead_air_ms: float | None,
        share: float | None,
        level: Level = Level.VALID,
        **others: Any,
    ) -> PointResult:
        p50, p95 = Quantile(0.5, 80, dead_air_ms), Quantile(0.95, 80, dead_air_ms and dead_air_ms * 1.2)
        metric = MetricSummary(
            "endpoint_delay_ms", "ms", "turns", 80, 0, np.inf, 1.0, 1.0, 1.0, p50, p95, p95
        )
        cutoffs = Rate(40, share, share and share / 2, share and share + 0.1)
        flow = ConversationFlow(Rate(160, 0.95, 0.9, 0.98), (FlowPart("answered in time", 76, 80),))
        rate = Rate(80, 0.975, 0.9, 0.99)
        settings = {"session.turn_detection.silence_duration_ms": silence_ms, **others}
        point = SweepPoint(silence_ms // 100, settings)
        return PointResult(
            point, f"{silence_ms}/run", 0, level, 80, metric, metric, cutoffs, rate, rate, flow
        )

    return make


@pytest.fixture(scope="session")
def beset_run(run: Run) -> Run:
    """The same run with two outages, a rotation and some errors in its first sessions."""
    sessions = run.sessions.copy()
    start_ns = int(sessions["planned_ns"].min())
    first, second, third = sessions["session"].iloc[:3]

    def states(*changes: tuple[str, int], in_writing: bool = False) -> str:
        rows = [{"state": name, "at_ns": start_ns + at * S, "in_writing": in_writing} for name, at in changes]
        return json.dumps(rows)

    lives = {
        first: states(
            ("connecting", 0),
            ("connected", 1),
            ("disconnected", 4),
            ("connecting", 5),
            ("connected", 6),
            ("over", 9),
        ),
        second: states(
            ("disconnected", 2), ("connecting", 7), ("connected", 8), ("over", 9), in_writing=True
        ),
    }
    sessions["states"] = [lives.get(name, "[]") for name in sessions["session"]]
    sessions["redials"] = [int(name in lives) for name in sessions["session"]]
    sessions["rotations"] = 0
    sessions["down_ns"] = [{first: 2 * S, second: 6 * S}.get(name, 0) for name in sessions["session"]]
    tried = json.dumps([{"due_ns": start_ns + 5 * S, "begun_ns": start_ns + 5 * S}])
    incidents = pd.DataFrame(
        {
            "session": [first, second, third],
            "kind": ["drop", "drop", "rotation"],
            "attempts": [tried, tried, "[]"],
            "reconnect_ms": [2_000.0, 6_000.0, None],
            "restore_ms": [2_100.0, 6_100.0, 30.0],
            "recovery_ms": [3_500.0, None, None],
        }
    )
    mishaps = pd.DataFrame(
        {
            "at_ns": [start_ns + at * S for at in (4, 2, 2)],
            "error_class": ["connection_lost", "connection_lost", "upgrade_503"],
        }
    )
    return replace(run, sessions=sessions, incidents=incidents, mishaps=mishaps)
