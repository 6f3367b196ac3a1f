import dataclasses

import pytest

from rtbench.analysis.health import Health
from rtbench.analysis.verdict import Level, Verdict, judge, judge_part
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.results.reconciliation import Reconciliation

WELL = Health(
    engines=1, frames_sent=100, send_lateness_p50_ms=0.1, send_lateness_p99_ms=1.0, send_lateness_max_ms=2.0,
    cpu_share_p95=0.3, cpu_seconds=1.0, cpu_ms_per_session_second=1.0, loop_lag_max_ms=1.0, gc_pause_max_ms=1.0,
    sessions_max=3, rss_bytes_max=1, rows_handed_over=100,
)  # fmt: skip
COUNTED = Reconciliation(workers_planned=2, workers_finished=2, rows_sent=100, rows_received=100)


def _codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings]


@pytest.fixture
def hundred_turns(make_turns):
    return make_turns(*[{}] * 100)


def test_a_run_with_nothing_against_it_is_valid(hundred_turns) -> None:
    assert judge(hundred_turns, WELL, COUNTED, rows_read=100) == Verdict(Level.VALID, ())


@pytest.mark.parametrize(
    ("p99_ms", "level"),
    [
        (5.0, Level.VALID),
        (5.1, Level.SUSPECT),
        (20.0, Level.SUSPECT),
        (20.1, Level.INVALID),
        (None, Level.SUSPECT),
    ],
)
def test_send_lateness_decides(hundred_turns, p99_ms: float | None, level: Level) -> None:
    health = dataclasses.replace(WELL, send_lateness_p99_ms=p99_ms)
    assert judge(hundred_turns, health, COUNTED, rows_read=100).level is level


@pytest.mark.parametrize(
    ("void", "level"), [(1, Level.VALID), (2, Level.SUSPECT), (5, Level.SUSPECT), (6, Level.INVALID)]
)
def test_the_share_of_void_turns_decides_and_a_reason_is_told(make_turns, void: int, level: Level) -> None:
    late = {"void": True, "void_reason": "a frame was sent 24 ms late"}
    verdict = judge(make_turns(*[{}] * (100 - void), *[late] * void), WELL, COUNTED, rows_read=100)
    assert verdict.level is level
    assert all("for instance, a frame was sent 24 ms late" in finding.message for finding in verdict.findings)


@pytest.mark.parametrize(
    ("waited_ms", "stolen_ms", "told"),
    [
        (31.0, None, "waited 31 ms for a processor, and its machine's hypervisor gave 0 ms"),
        (3.0, 40.0, "waited 3 ms for a processor, and its machine's hypervisor gave 40 ms"),
        (20.0, 20.0, None),
        (None, None, None),
    ],
)
def test_late_frames_are_put_down_to_the_machine_where_it_kept_its_processors_back(
    make_turns, hundred_turns, waited_ms, stolen_ms, told
) -> None:
    starved = dataclasses.replace(WELL, waited_max_ms=waited_ms, stolen_max_ms=stolen_ms)
    late = {"void": True, "void_reason": "a frame was sent 24 ms late"}
    verdict = judge(make_turns(*[{}] * 90, *[late] * 10), starved, COUNTED, rows_read=100)
    assert verdict.level is Level.INVALID
    assert [told in finding.message for finding in verdict.findings if finding.code == "starved"] == (
        [True] if told else []
    )
    assert judge(hundred_turns, starved, COUNTED, rows_read=100) == Verdict(Level.VALID, ())
    late_frames = dataclasses.replace(starved, send_lateness_p99_ms=8.0)
    assert _codes(judge(hundred_turns, late_frames, COUNTED, rows_read=100)) == [
        "send_late",
        *["starved"] * bool(told),
    ]


def test_a_busy_engine_makes_a_run_suspect(hundred_turns) -> None:
    verdict = judge(hundred_turns, dataclasses.replace(WELL, cpu_share_p95=0.86), COUNTED, rows_read=100)
    assert (verdict.level, _codes(verdict)) == (Level.SUSPECT, ["cpu_high"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"workers_finished": 1}, "workers_lost"),
        ({"engines_died": 1}, "engine_died"),
        ({"engines_died": 1, "engines_silent": 1}, "engine_silent"),
        ({"rows_sent": 101}, "rows_lost"),
        ({"rows_received": 99}, "rows_lost"),
    ],
)
def test_what_was_lost_makes_a_run_invalid(hundred_turns, change: dict[str, int], code: str) -> None:
    verdict = judge(hundred_turns, WELL, dataclasses.replace(COUNTED, **change), rows_read=100)
    assert (verdict.level, _codes(verdict)) == (Level.INVALID, [code])


def test_rows_that_were_received_but_are_not_in_the_tables_are_lost(hundred_turns) -> None:
    verdict = judge(hundred_turns, WELL, COUNTED, rows_read=97)
    assert "3 of 100 rows" in verdict.findings[0].message


def test_rows_that_only_the_engines_own_count_knows_are_missed_too(hundred_turns) -> None:
    verdict = judge(hundred_turns, dataclasses.replace(WELL, rows_handed_over=104), COUNTED, rows_read=100)
    assert _codes(verdict) == ["rows_lost"]


def test_a_run_that_never_ended_is_invalid(hundred_turns) -> None:
    assert _codes(judge(hundred_turns, WELL, None, rows_read=100)) == ["not_ended"]


def test_a_run_stopped_by_hand_is_told_but_not_held_against_it(hundred_turns) -> None:
    verdict = judge(hundred_turns, WELL, dataclasses.replace(COUNTED, interrupted=True), rows_read=100)
    assert (verdict.level, _codes(verdict)) == (Level.VALID, ["interrupted"])


def test_a_run_without_a_turn_is_invalid(make_turns) -> None:
    assert judge(make_turns(), WELL, COUNTED, rows_read=100).level is Level.INVALID


def test_the_worst_finding_comes_first_and_each_says_what_to_do(make_turns) -> None:
    health = dataclasses.replace(WELL, cpu_share_p95=0.99, send_lateness_p99_ms=30.0)
    verdict = judge(make_turns(*[{}] * 9), health, COUNTED, rows_read=100)
    assert _codes(verdict) == ["send_late", "cpu_high"]
    assert "30.0 ms" in verdict.findings[0].message
    assert all(finding.advice.endswith(".") for finding in verdict.findings)


@pytest.mark.parametrize(("share", "codes"), [(None, []), (0.85, []), (0.97, ["emulator_busy"])])
def test_an_emulator_without_room_makes_a_run_suspect(
    hundred_turns, share: float | None, codes: list[str]
) -> None:
    counted = dataclasses.replace(COUNTED, emulator_cpu_share=share)
    verdict = judge(hundred_turns, WELL, counted, rows_read=100)
    assert _codes(verdict) == codes
    assert verdict.level is (Level.SUSPECT if codes else Level.VALID)
    assert all("97%" in finding.message and "85%" in finding.message for finding in verdict.findings)


def test_an_emulator_whose_loop_is_late_makes_a_run_suspect(hundred_turns) -> None:
    counted = dataclasses.replace(COUNTED, emulator_loop_lag_ms=20.0)
    assert judge(hundred_turns, WELL, counted, rows_read=100).level is Level.VALID
    counted = dataclasses.replace(COUNTED, emulator_loop_lag_ms=42.0)
    verdict = judge(hundred_turns, WELL, counted, rows_read=100)
    assert _codes(verdict) == ["emulator_late"]
    assert verdict.findings[0].message == (
        "The emulator's event loop was up to 42 ms late (limit 20 ms): answers waited for it, too."
    )
    assert "Run fewer users" in verdict.findings[0].advice


def test_an_emulator_without_room_makes_a_part_of_a_run_suspect(hundred_turns) -> None:
    busy = EmulatorLoad()
    busy.take({"cpu_share": 0.99, "loop_lag_max_ms": 90.0})
    assert _codes(judge_part(hundred_turns, WELL, busy)) == ["emulator_busy", "emulator_late"]
    assert judge_part(hundred_turns, WELL, EmulatorLoad()).level is Level.VALID


def test_calls_that_were_due_and_did_not_start_are_not_hidden(hundred_turns) -> None:
    counted = dataclasses.replace(COUNTED, sessions_planned=400, sessions_not_started=37)
    verdict = judge(hundred_turns, WELL, counted, rows_read=100)
    assert verdict.level is Level.SUSPECT
    assert _codes(verdict) == ["sessions_not_started"]
    assert "37 of 400 calls" in verdict.findings[0].message


def test_of_a_part_of_a_run_nothing_is_known_yet_of_what_is_lost_by_its_end(
    make_turns, hundred_turns
) -> None:
    assert judge_part(hundred_turns, WELL) == Verdict(Level.VALID, ())
    assert judge_part(make_turns(), WELL).level is Level.VALID  # a step in which nobody spoke
    late = dataclasses.replace(WELL, send_lateness_p99_ms=30.0)
    assert judge_part(hundred_turns, late).level is Level.INVALID


def test_a_simulated_network_that_is_late_by_itself_makes_a_run_suspect(hundred_turns) -> None:
    assert judge(hundred_turns, WELL, COUNTED, 100, simulation_late_ms=5.0).level is Level.VALID
    verdict = judge(hundred_turns, WELL, COUNTED, 100, simulation_late_ms=5.1)
    assert (verdict.level, _codes(verdict)) == (Level.SUSPECT, ["simulation_late"])
    assert "5.1 ms late in the mean of a call (limit 5 ms)" in verdict.findings[0].message
