"""Every fault over real sockets, of both transports: survived, found under its own class, and moving the metrics that it should.

One caller and one emulator for each row of the table, many at a time in one event loop. The caller holds four short turns and comes back where it is thrown out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest

from rtbench.analysis.outage_books import imbalances
from rtbench.analysis.reliability import summarise_reliability
from rtbench.clock import unix_offset_ns
from rtbench.core.audio import PCM16
from rtbench.core.farewells import told_over_webrtc
from rtbench.core.script import DropHow
from rtbench.corpus.manifest import Role
from rtbench.corpus.writer import NewClip, write_corpus
from rtbench.dialects.openai_ga import OPENAI_GA
from rtbench.emulator.faults import FAULTS, Fault, objection
from rtbench.emulator.library import load_service
from rtbench.emulator.line_faults import CLOSE_CODES, ERROR_TYPES, LINE_FAULTS, Transport
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer
from rtbench.emulator.session import Service
from rtbench.emulator.truth_file import TruthFile
from rtbench.engine.alarm import AlarmClock
from rtbench.engine.call import Call, Surroundings
from rtbench.engine.darkroom import Darkroom
from rtbench.engine.disruption import StormClock
from rtbench.engine.lateness import LatenessLog
from rtbench.engine.plan import Plan
from rtbench.engine.rows import RowKeys
from rtbench.engine.target import Target
from rtbench.engine.trace import Trace
from rtbench.results.reader import part_of_run
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory
from rtbench.scenario.drop import Storm

S = 1_000_000_000
LIMIT_S = 60
AT_A_TIME = 16
"""More would keep the one event loop so busy that nothing in it comes on time."""

SCENARIO = """\
name: beset
corpus: {corpus}
frame: 20 ms
think_time: 0 ms
answer_timeout: {answer_timeout}
session: {{turn_detection: {detection}}}
{transport}
reconnect: {{attempts: {attempts}, base: 60 ms, factor: 1.5, idle: 400 ms}}
conversation:
{steps}
"""
TURNS = "\n".join(["  - say: {role: question}", "  - listen"] * 4)


class Outcome:
    """The rows that one call left."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.struck: list[dict[str, Any]] = []
        """The emulator's log of faults."""

    def of(self, table: str) -> list[dict[str, Any]]:
        return [row for name, row in self.rows if name == table]

    @property
    def session(self) -> dict[str, Any]:
        (session,) = self.of("sessions")
        return session

    @property
    def classes(self) -> set[str]:
        return {row["error_class"] for row in self.of("mishaps")}

    @property
    def outcomes(self) -> list[str]:
        return [turn["outcome"] for turn in self.of("turns")]

    def books_balance(self) -> None:
        """Whatever happened, no row is lost, and sums agree."""
        session, turns = self.session, self.of("turns")
        assert [turn["number"] for turn in turns] == list(range(1, len(turns) + 1))
        assert session["turns"] == len(turns)
        assert session["answered"] == self.outcomes.count("answered")
        errors = json.loads(session["errors"])
        counted = [row for row in self.of("mishaps") if row["error_class"] in errors]
        assert sum(errors.values()) == len(counted)
        assert session["outcome"] in ("completed", "dropped", "failed")


class Row(NamedTuple):
    """One fault, as the emulator's profile or the scenario has it, and where it shows."""

    faults: dict[str, Any]
    shows: Callable[[Outcome], bool]
    steps: str = TURNS
    restart: dict[str, Any] | None = None
    answer_timeout: str = "3 s"
    """Longer than anything takes on a busy machine; shorter where nothing is to come."""

    profile: dict[str, Any] = {}  # noqa: RUF012  # never changed
    """Other settings of the emulator."""

    struck: str = ""
    """Kinds in the emulator's log, with spaces between; empty for that of `faults`, - where it is the caller's own."""

    attempts: int = 4
    """To connect again. The last one ends half a second after the loss; of eight 3 s after it."""
    detection: str = "none"
    """The session's turn detection; the caller ends its turns by hand where there is none."""


def lost(error_class: str) -> Callable[[Outcome], bool]:
    """The connection went away under this class, and came back."""

    def shows(outcome: Outcome) -> bool:
        incidents = [row for row in outcome.of("incidents") if row["error_class"] == error_class]
        return (
            bool(incidents)
            and error_class in outcome.classes
            and all(row["reconnect_ms"] > 0 and row["outcome"] == "recovered" for row in incidents)
            and outcome.session["down_ns"] > 0
        )

    return shows


def met(error_class: str) -> Callable[[Outcome], bool]:
    """An error of this class was met, and nothing lost by it."""
    return lambda outcome: error_class in outcome.classes and outcome.outcomes.count("answered") == 4


def turn_ended(outcome_name: str, error_class: str) -> Callable[[Outcome], bool]:
    def shows(outcome: Outcome) -> bool:
        return any(
            (turn["outcome"], turn["error_class"]) == (outcome_name, error_class)
            for turn in outcome.of("turns")
        )

    return shows


def refused(status: int) -> Callable[[Outcome], bool]:
    def shows(outcome: Outcome) -> bool:
        (incident, *_) = outcome.of("incidents")
        return incident["error_class"] == f"upgrade_{status}" and incident["kind"] == "refusal"

    return shows


def given_up(status: int) -> Callable[[Outcome], bool]:
    return lambda outcome: refused(status)(outcome) and outcome.session["outcome"] == "failed"


def waited_for(outcome: Outcome) -> bool:
    """A limit is obeyed, and is no error."""
    (incident,) = outcome.of("incidents")
    waited_ms = (incident["connected_ns"] - incident["noticed_ns"]) / 1e6
    return (
        outcome.session["rate_limited"] == 2
        and outcome.session["errors"] == "{}"
        and outcome.of("mishaps") == []
        and waited_ms >= 800
    )


def dropped(how: str, when: str, error_class: str) -> Row:
    """The caller's own fault, in the first turn."""
    drop = f"  - drop: {{how: {how}, when: {when}, heard: 40 ms}}"
    if when != "mid_answer":
        drop = f"  - drop: {{how: {how}, when: {when}}}"
    first = [TURNS.splitlines()[0], drop, TURNS.splitlines()[1]]
    if when == "mid_utterance":
        first = [drop, *TURNS.splitlines()[:2]]

    def shows(outcome: Outcome) -> bool:
        (incident,) = outcome.of("incidents")
        return (
            incident["injected"] == how
            and lost(error_class)(outcome)
            and sorted(outcome.outcomes) == ["answered", "answered", "answered", "dropped"]
            # An answer that had come whole is heard out on a dead line: the next turn finds it.
            and (how == "half_open" or outcome.outcomes[0] == "dropped")
        )

    return Row({}, shows, "\n".join([*first, *TURNS.splitlines()[2:]]), struck="-")


def full(error_class: str) -> Row:
    """There is never room for one more."""

    def shows(outcome: Outcome) -> bool:
        (incident,) = outcome.of("incidents")
        return (
            (incident["error_class"], incident["outcome"]) == (error_class, "gave_up")
            and outcome.session["outcome"] == "failed"
            and len(outcome.struck) == incident["incident_attempts"] == 6  # and as often again in writing
        )

    return Row(
        {}, shows, profile={"capacity": {"sessions": 0, "refusal": 503}}, struck="capacity", attempts=2
    )


LISTENING = "{type: server_vad, silence_duration_ms: 200}"
SPOKEN_INTO = """\
  - say: {role: question}
  - interrupt: {role: interruption, heard: 300 ms}
  - listen"""


def spoken_into(
    fault: dict[str, Any], shows: Callable[[dict[str, Any]], bool], answer_timeout: str = "3 s"
) -> Row:
    """What goes wrong when the caller speaks into a long answer, by the stimulus."""

    def shown(outcome: Outcome) -> bool:
        (stimulus,) = outcome.of("stimuli")
        return shows(stimulus) and stimulus["response_id"] in {row["response_id"] for row in outcome.struck}

    # Sent in half its time: there is always more to come, and over WebRTC more in store, when the caller speaks.
    profile = {"replies": ["reply_long"], "pace": "2x"}
    return Row(fault, shown, SPOKEN_INTO, profile=profile, detection=LISTENING, answer_timeout=answer_timeout)


BARGED_IN: dict[str, Row] = {
    "late_cancel": spoken_into(
        {"late_cancel": "300 ms"}, lambda stimulus: stimulus["barge_in_server_stop_ms"] >= 300
    ),
    "stale_audio": spoken_into({"stale_audio": "200 ms"}, lambda stimulus: stimulus["stale_audio_ms"] > 0),
    "detection_delay": spoken_into(
        {"detection_delay": "250 ms"}, lambda stimulus: stimulus["barge_in_detect_ms"] >= 250
    ),
    "missed_interruption": spoken_into(
        {"missed_interruption": 1.0},
        lambda stimulus: stimulus["speech_started_ns"] is None,
        answer_timeout="2 s",
    ),
}
CUT_IN = Row(
    {"cut_in": "80 ms"},
    lambda outcome: any(turn["agent_cut_in"] for turn in outcome.of("turns")),
    "  - say: {any_of: [question_long]}\n  - listen",
    detection=LISTENING,
)
ONCE = {"most": 1}
EXPIRED = Row(
    {},
    lambda outcome: lost("closed_1000")(outcome) and "session_expired" in outcome.classes,
    # Longer than a set-up takes on a busy machine, shorter than the four turns.
    profile={"session_limit": "1500 ms"},
    struck="expiry",
)
TABLE: dict[str, Row] = {
    **{
        f"close_{code}_{when}": Row(
            {"close": {"code": code, "when": when, **ONCE}},
            lost("connection_lost" if code == 1006 else f"closed_{code}"),
        )
        for code in CLOSE_CODES
        for when in (("before_answer", "mid_answer") if code in (1006, 1011) else ("mid_answer",))
    },
    **{
        f"error_{kind}": Row(
            {"error_event": {"type": kind, "error": f"code_{kind}", **ONCE}}, met(f"code_{kind}")
        )
        for kind in ERROR_TYPES
    },
    **{
        f"refusal_{status}": Row({"refusal": {"status": status, "most": 1}}, refused(status))
        for status in (500, 503)
    },
    **{
        f"refusal_{status}": Row({"refusal": {"status": status}}, given_up(status))
        for status in (401, 403, 404)
    },
    "refusal_429": Row({"refusal": {"status": 429, "retry_after": "450 ms", "most": 2}}, waited_for),
    "reset": Row({"reset": ONCE}, lost("connection_lost")),
    "refuse": Row(
        {"refuse": ONCE}, lambda outcome: outcome.of("incidents")[0]["error_class"] == "connection_lost"
    ),
    "slow_upgrade": Row(
        {"slow_upgrade": {"delay": "300 ms", **ONCE}}, lambda outcome: outcome.session["upgrade_ms"] >= 300
    ),
    "late_session": Row(
        {"late_session": {"delay": "250 ms", **ONCE}},
        # The delay begins when the upgrade is answered, and so within these two, however late that is noticed.
        lambda outcome: outcome.session["upgrade_ms"] + outcome.session["session_created_ms"] >= 250,
    ),
    "no_session": Row({"no_session": ONCE}, lost("setup_timeout")),
    "response_failed": Row(
        {"response_failed": {"error": "server_error", **ONCE}}, turn_ended("failed", "server_error")
    ),
    "response_incomplete": Row(
        {"response_incomplete": {"reason": "content_filter", **ONCE}},
        lambda outcome: "incomplete" in {turn["response_status"] for turn in outcome.of("turns")},
    ),
    "no_answer": Row(
        {"no_answer": 1.0},
        turn_ended("no_answer", "answer_timeout"),
        answer_timeout="1 s",
    ),
    "late_answer": Row(
        {"late_answer": "250 ms"},
        lambda outcome: (
            outcome.outcomes == ["answered"] * 4
            and min(turn["first_audio_ms"] for turn in outcome.of("turns")) >= 250
        ),
    ),
    **BARGED_IN,
    "truncation_rejected": spoken_into(
        {"truncation_rejected": 1.0}, lambda stimulus: stimulus["truncation_rejected"] == 1
    ),
    "premature_cutoff": Row(
        {"premature_cutoff": 1.0},
        lambda outcome: sum(turn["false_cutoffs"] for turn in outcome.of("turns")) > 0,
        "  - say: {any_of: [question_held]}\n  - listen",
        detection="{type: server_vad, silence_duration_ms: 900}",
    ),
    "cut_in": CUT_IN,
    "capacity": full("upgrade_503"),
    "stall": Row({"stall": ONCE}, turn_ended("failed", "answer_stalled"), answer_timeout="1500 ms"),
    "stall_for_a_time": Row(
        {"stall": {"delay": "600 ms", **ONCE}},
        lambda outcome: max(turn["chunk_gap_max_ms"] or 0 for turn in outcome.of("turns")) >= 350,
    ),
    "duplicate_events": Row({"duplicate_events": ONCE}, lambda outcome: "duplicate_event" in outcome.classes),
    "stale_events": Row({"stale_events": ONCE}, met("stale_event")),
    "unknown_event": Row({"unknown_event": ONCE}, met("unknown_event")),
    "invalid_json": Row({"invalid_json": ONCE}, met("protocol_error")),
    "oversized": Row({"oversized": {"megabytes": 17, **ONCE}}, lost("message_too_big")),
    "vanish": Row({"vanish": ONCE}, lost("no_sign_of_life")),
    "expired": EXPIRED,
    "odd_audio": Row({"odd_audio": ONCE}, met("odd_audio")),
    "restart": Row(
        {},
        lambda outcome: lost("closed_1012")(outcome) and "connect_refused" in outcome.classes,
        restart={"at": "600 ms", "lasts": "300 ms"},
        struck="restart",
        attempts=8,
    ),
    "ordered": Row(
        {},
        lost("closed_1013"),
        "\n".join(["  - fault: {close: {code: 1013, when: mid_answer}}", TURNS]),
        struck="close",
    ),
    "reset_before_answer": dropped("reset", "before_answer", "connection_lost"),
    "reset_mid_answer": dropped("reset", "mid_answer", "connection_lost"),
    "reset_mid_utterance": dropped("reset", "mid_utterance", "connection_lost"),
    "reset_handshake": dropped("reset", "handshake", "connection_lost"),
    "close_mid_utterance": dropped("close", "mid_utterance", "closed_1000"),
    "close_handshake": dropped("close", "handshake", "closed_1000"),
    "half_open_mid_utterance": dropped("half_open", "mid_utterance", "no_sign_of_life"),
    "half_open_handshake": dropped("half_open", "handshake", "no_sign_of_life"),
    "close_before_answer": dropped("close", "before_answer", "closed_1000"),
    "close_mid_answer": dropped("close", "mid_answer", "closed_1000"),
    "half_open_before_answer": dropped("half_open", "before_answer", "no_sign_of_life"),
    "half_open_mid_answer": dropped("half_open", "mid_answer", "no_sign_of_life"),
}


def left(code: int) -> Callable[[Outcome], bool]:
    """The service went away, and told the reason of this close code as it is told over WebRTC."""
    return lambda outcome: lost("closed_1000")(outcome) and told_over_webrtc(code) in outcome.classes


def not_let_in(phase: str, status: int) -> Callable[[Outcome], bool]:
    """A call was refused, by this status to a request for a key or to an offer, and the next try was let in."""

    def shows(outcome: Outcome) -> bool:
        (incident,) = outcome.of("incidents")
        seen = (incident["kind"], incident["error_class"], incident["outcome"])
        return seen == ("refusal", f"{phase}_{status}", "recovered") and outcome.outcomes == ["answered"] * 4

    return shows


def never_let_in(phase: str, status: int) -> Callable[[Outcome], bool]:
    def shows(outcome: Outcome) -> bool:
        (incident,) = outcome.of("incidents")
        return incident["error_class"] == f"{phase}_{status}" and outcome.session["outcome"] == "failed"

    return shows


def slow(part: str) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.session[part] >= 300


def cut_call(how: str, error_class: str) -> Row:
    """The caller's own fault in the middle of the first answer."""
    say, listen, *rest = TURNS.splitlines()
    drop = f"  - drop: {{how: {how}, when: mid_answer, heard: 40 ms}}"

    def shows(outcome: Outcome) -> bool:
        (incident,) = outcome.of("incidents")
        return incident["injected"] == how and lost(error_class)(outcome)

    return Row({}, shows, "\n".join([say, drop, listen, *rest]), struck="-")


OVER_WEBRTC: dict[str, Row] = {
    **{
        f"close_{code}": Row({"close": {"code": code, "when": "mid_answer", **ONCE}}, left(code))
        for code in CLOSE_CODES
        if code != 1006
    },
    "close_before_answer": Row({"close": {"code": 1011, **ONCE}}, left(1011)),
    "close_channel": Row({"close_channel": {"when": "mid_answer", **ONCE}}, lost("closed_1000")),
    "reset": Row({"reset": {"when": "mid_answer", **ONCE}}, lost("no_sign_of_life")),
    "vanish": Row({"vanish": {"when": "mid_answer", **ONCE}}, lost("no_sign_of_life")),
    **{
        f"error_{kind}": Row(
            {"error_event": {"type": kind, "error": f"code_{kind}", **ONCE}}, met(f"code_{kind}")
        )
        for kind in ERROR_TYPES
    },
    **{
        f"{phase}_{status}": Row({"refusal": {"status": status, "at": at, **ONCE}}, not_let_in(phase, status))
        for phase, at in (("key", "key"), ("sdp", "call"))
        for status in (500, 503)
    },
    **{
        f"{phase}_{status}": Row({"refusal": {"status": status, "at": at}}, never_let_in(phase, status))
        for phase, at in (("key", "key"), ("sdp", "call"))
        for status in (401, 403, 404)
    },
    "refusal_429": Row({"refusal": {"status": 429, "retry_after": "450 ms", "most": 2}}, waited_for),
    "refuse": Row(
        {"refuse": ONCE}, lambda outcome: outcome.of("incidents")[0]["error_class"] == "connection_lost"
    ),
    "slow_key": Row({"slow_upgrade": {"delay": "300 ms", "at": "key", **ONCE}}, slow("key_ms")),
    "slow_answer": Row({"slow_upgrade": {"delay": "300 ms", "at": "call", **ONCE}}, slow("sdp_ms")),
    "late_session": Row(
        # The service's end of the channel is open before the caller's: on a busy machine by a good part of this.
        {"late_session": {"delay": "600 ms", **ONCE}},
        lambda outcome: outcome.session["session_created_ms"] >= 300,
    ),
    "no_session": TABLE["no_session"],
    "response_failed": TABLE["response_failed"],
    "response_incomplete": TABLE["response_incomplete"],
    "no_answer": TABLE["no_answer"],
    "late_answer": TABLE["late_answer"],
    **BARGED_IN,
    "cut_in": CUT_IN,
    "premature_cutoff": TABLE["premature_cutoff"],
    "stall": TABLE["stall"],
    "stall_for_a_time": TABLE["stall_for_a_time"],
    "duplicate_events": TABLE["duplicate_events"],
    "stale_events": TABLE["stale_events"],
    "unknown_event": TABLE["unknown_event"],
    "invalid_json": TABLE["invalid_json"],
    "oversized": TABLE["oversized"],
    "odd_audio": Row(
        {"odd_audio": ONCE},
        lambda outcome: met("odd_audio")(outcome) and outcome.session["concealed_ms"] > 0,
    ),
    "lost_packets": Row(
        {"lost_packets": {"packets": 4, **ONCE}},
        lambda outcome: (
            (outcome.session["packets_lost"], outcome.outcomes) == (4, ["answered"] * 4)
            and outcome.session["concealed_ms"] >= 60
            # As much shorter than 100 ms as the packet ahead of the hole came late.
            and max(turn["chunk_gap_max_ms"] or 0 for turn in outcome.of("turns")) > 40
        ),
    ),
    "restart": Row(
        {},
        lambda outcome: left(1012)(outcome) and "connect_refused" in outcome.classes,
        restart={"at": "1500 ms", "lasts": "300 ms"},
        struck="restart",
        attempts=8,
    ),
    "capacity": Row(
        # The place of a session that has vanished stays taken, so that its caller is not let in again.
        {"vanish": {"when": "mid_answer", **ONCE}},
        lambda outcome: {"no_sign_of_life", "sdp_503"} <= outcome.classes and outcome.session["fell_back"],
        profile={"capacity": {"sessions": 1, "refusal": 503}},
        struck="vanish capacity",
    ),
    "expired": EXPIRED,
    "ordered": Row(
        {},
        left(1013),
        "\n".join(["  - fault: {close: {code: 1013, when: mid_answer}}", TURNS]),
        struck="close",
    ),
    "caller_close": cut_call("close", "closed_1000"),
    "caller_channel_closed": cut_call("channel_closed", "closed_1000"),
    "caller_peer_gone": cut_call("peer_gone", "connection_lost"),
    "caller_ice_dead": cut_call("ice_dead", "no_sign_of_life"),
    "caller_half_open": cut_call("half_open", "no_sign_of_life"),
    "caller_handshake": dropped("reset", "handshake", "connection_lost"),
}


TABLES = {"websocket": TABLE, "webrtc": OVER_WEBRTC}


def tone(length_ms: int) -> np.ndarray:
    beep = 8_000 * np.sin(np.arange(length_ms * 24) / 10)
    return np.concatenate((np.zeros(480), beep, np.zeros(480))).astype(np.int16)


def held() -> np.ndarray:
    """Two words with a pause between them, the first one with a rise in it, as no other clip has."""
    first = tone(400) * np.repeat([0.15, 1.0], 5_280)
    return np.concatenate((first.astype(np.int16), np.zeros(24 * 300, np.int16), tone(400)))


def prepare(name: str, row: Row, folder: Path, corpus: Path, transport: str) -> tuple[Service, Plan]:
    """What takes time to make, before any clock runs."""
    profile = Profile.model_validate(
        {
            "response_delay": "40 ms",
            "chunk": "50 ms",
            "replies": ["reply_a"],
            "faults": row.faults,
            "restart": row.restart,
            **row.profile,
        }
    )
    scenario = folder / f"{name}.yaml"
    over = "transport: webrtc\ncodec: pcmu" if transport == "webrtc" else "transport: websocket"
    scenario.write_text(
        SCENARIO.format(
            corpus=corpus,
            steps=row.steps,
            transport=over,
            answer_timeout=row.answer_timeout,
            attempts=row.attempts,
            detection=row.detection,
        )
    )
    plan = Plan(scenario, Target(""))
    script = plan.script
    plan.script = lambda seed: replace(script(seed), setup_timeout_ns=S)  # type: ignore[method-assign]
    plan.encode_clips()
    return load_service(corpus, profile), plan


def surroundings(alarms: AlarmClock, outcome: Outcome) -> Surroundings:
    return Surroundings(
        alarms=alarms,
        lateness=LatenessLog(),
        unix_offset_ns=unix_offset_ns(),
        sessions_alive=lambda: 1,
        emit=lambda table, columns: outcome.rows.append((table, columns)),
        darkroom=Darkroom(),
    )


async def hold(name: str, service: Service, plan: Plan, folder: Path) -> Outcome:
    """One call against an emulator of its own."""
    log = folder / f"{name}.jsonl"
    server = EmulatorServer(service, fault_log=TruthFile(log))
    port = await server.start("127.0.0.1", 0)
    plan.target = Target(f"http://127.0.0.1:{port}/v1")
    outcome = Outcome()
    alarms = AlarmClock(asyncio.get_running_loop())
    around = surroundings(alarms, outcome)
    keys = RowKeys("w0", "w0-000001", 0, 0, "beset", plan.scenario.transport)
    (folder / name).mkdir()
    trace = Trace(folder / name, "w0", OPENAI_GA.wire_type, keep_words=False)
    call = Call(around, plan, keys, 3, 0, trace.session("w0-000001"))
    try:
        await asyncio.wait_for(call.hold(), LIMIT_S)
    finally:
        await server.stop()
        alarms.close()
        trace.close()
    outcome.struck = [json.loads(line) for line in log.read_text().splitlines()]
    return outcome


def hold_all(table: dict[str, Row], folder: Path, corpus: Path, transport: str) -> dict[str, Outcome]:
    """The calls of a whole table, many at a time in one loop."""
    prepared = {name: prepare(name, row, folder, corpus, transport) for name, row in table.items()}

    async def all_of_them() -> dict[str, Outcome]:
        lines = asyncio.Semaphore(AT_A_TIME)

        async def hold_one(name: str, service: Service, plan: Plan) -> Outcome:
            async with lines:
                return await hold(name, service, plan, folder)

        # The last rows of a table take longest: they begin first, so that nobody waits for them alone.
        names = list(reversed(prepared))
        held = await asyncio.gather(*(hold_one(name, *prepared[name]) for name in names))
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, "a task was left behind"
        return dict(zip(names, held, strict=True))

    return asyncio.run(all_of_them())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    corpus = tmp_path_factory.mktemp("corpus") / "tones"
    clips = [
        NewClip("question_a", Role.QUESTION, "a", "is it open", "CC0-1.0", tone(120)),
        NewClip("reply_a", Role.REPLY, "c", "yes it is indeed", "CC0-1.0", tone(300)),
        NewClip(
            "question_long", Role.STATEMENT, "a", "are you still open at this time", "CC0-1.0", tone(900)
        ),
        NewClip("question_held", Role.STATEMENT, "a", "my number is seven", "CC0-1.0", held()),
        NewClip("stop", Role.INTERRUPTION, "a", "no stop", "CC0-1.0", tone(400)),
        NewClip("reply_long", Role.REPLY, "c", "yes it is indeed and so it will be", "CC0-1.0", tone(3_000)),
        NewClip("room", Role.SILENCE, "none", "", "CC0-1.0", np.full(60 * 24, 3, np.int16)),
    ]
    write_corpus(corpus, "tones", "en", PCM16.rate_hz, clips)
    return corpus


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, corpus: Path) -> dict[str, Outcome]:
    return hold_all(TABLE, tmp_path_factory.mktemp("websocket"), corpus, "websocket")


@pytest.fixture(scope="module")
def calls(tmp_path_factory, corpus: Path) -> dict[str, Outcome]:
    return hold_all(OVER_WEBRTC, tmp_path_factory.mktemp("webrtc"), corpus, "webrtc")


@pytest.mark.parametrize("name", TABLE)
def test_a_fault_is_survived_and_shows_under_its_class(outcomes, name: str) -> None:
    check(outcomes[name], TABLE[name])


@pytest.mark.parametrize("name", OVER_WEBRTC)
def test_over_webrtc_too(calls, name: str) -> None:
    check(calls[name], OVER_WEBRTC[name])


def check(outcome: Outcome, row: Row) -> None:
    outcome.books_balance()
    seen = (outcome.classes, outcome.outcomes, outcome.of("incidents"), outcome.session, outcome.struck)
    assert row.shows(outcome), seen
    if row.struck != "-":
        kinds = {struck["kind"] for struck in outcome.struck}
        assert kinds == set((row.struck or next(iter(row.faults))).split()), (
            "what was injected is in the emulator's log"
        )


NO_PROFILE_FAULTS = {"restart", "expiry", "capacity"}
"""What else the emulator logs of what it did to callers."""

MEDIA_DROPS = {"ice_dead", "channel_closed", "peer_gone"}
MOMENTS = ("before_answer", "mid_answer", "mid_utterance", "handshake")


@pytest.mark.parametrize("transport", TABLES)
def test_the_tables_name_every_fault_of_their_transport(transport: Transport) -> None:
    table = TABLES[transport]
    tried = {kind for row in table.values() for kind in (*row.faults, *row.struck.split())} - {"-"}
    of_the_line = {kind for kind, how in LINE_FAULTS.items() if how.only in ("", transport)}
    of_the_session = {kind for kind in FAULTS if not objection(kind, Fault(), transport)}

    assert tried == of_the_line | of_the_session | NO_PROFILE_FAULTS


def test_the_tables_name_every_way_of_the_caller_to_break_a_connection() -> None:
    every_way = set(get_args(DropHow))
    steps = {transport: [row.steps for row in table.values()] for transport, table in TABLES.items()}

    def are_tried(transport: str) -> set[str]:
        return {how for how in every_way if any(f"how: {how}," in written for written in steps[transport])}

    assert are_tried("websocket") == every_way - MEDIA_DROPS
    assert are_tried("webrtc") == every_way
    for how in every_way - MEDIA_DROPS:
        for when in MOMENTS:
            drop = f"how: {how}, when: {when}"
            assert any(drop in written for written in steps["websocket"]), drop


def test_instants_of_a_recovery_agree_with_the_emulator_s_log(outcomes, calls) -> None:
    """Both sides read one clock here: what the caller notices came after it was done, and the policy's instants are kept."""
    for table, held in zip(TABLES.values(), (outcomes, calls), strict=True):
        for name, outcome in held.items():
            for incident in outcome.of("incidents"):
                if table[name].struck == "-" or incident["kind"] != "drop" or not outcome.struck:
                    continue
                at_ns = min(struck["at_ns"] for struck in outcome.struck)
                assert incident["noticed_ns"] >= at_ns or table[name].struck == "restart", name


async def hold_storm(service: Service, plan: Plan, storm: Storm, callers: int, folder: Path) -> Outcome:
    """Calls at the same time, whose connections a storm breaks."""
    server = EmulatorServer(service, fault_log=TruthFile(folder / "storm.jsonl"))
    plan.target = Target(f"http://127.0.0.1:{await server.start('127.0.0.1', 0)}/v1")
    outcome = Outcome()
    alarms = AlarmClock(asyncio.get_running_loop())
    around = surroundings(alarms, outcome)
    trace = Trace(folder, "w0", OPENAI_GA.wire_type, keep_words=False)
    calls = []
    for number in range(callers):
        keys = RowKeys("w0", f"w0-{number:06}", number, 0, "beset", "websocket")
        calls.append(Call(around, plan, keys, number, 0, trace.session(keys.session)))
    clock = StormClock(storm, 1, lambda: calls, alarms)
    try:
        await asyncio.wait_for(asyncio.gather(*(call.hold() for call in calls)), LIMIT_S)
    finally:
        clock.stop()
        await server.stop()
        alarms.close()
        trace.close()
    return outcome


@pytest.mark.parametrize(
    ("attempts", "ends"),
    [(8, {"recovered"}), (0, {"gave_up", "fell_back"})],
    ids=["with all the tries they need", "with none"],
)
def test_after_a_storm_of_all_callers_everybody_is_accounted_for_to_the_row(
    tmp_path, corpus: Path, attempts: int, ends: set[str]
) -> None:
    service, plan = prepare("storm", Row({}, bool, attempts=attempts), tmp_path, corpus, "websocket")
    storm = Storm.model_validate({"share": "100 %", "at": "500 ms", "how": "reset"})
    outcome = asyncio.run(hold_storm(service, plan, storm, 12, tmp_path))
    rows = {table: outcome.of(table) for table in ("turns", "sessions", "incidents", "mishaps")}
    started = Reconciliation(sessions_started=12).as_dict()
    run = part_of_run(RunDirectory(tmp_path), {"reconciliation": started}, rows)

    assert imbalances(run) == []
    found = summarise_reliability(run)
    assert found is not None
    (gale,) = found.storms
    cut = [row for row in rows["incidents"] if row["injected"]]
    assert gale.outages == len(cut) == sum(session["cuts"] for session in rows["sessions"])
    assert gale.outages == gale.came_back + gale.never_recovered + gale.cut_off
    assert {row["outcome"] for row in cut} <= ends
    assert found.all_found and [each.setting for each in found.injected] == ["reset"]
