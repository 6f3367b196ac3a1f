"""What is left of a run that is killed, in part or as a whole, or stopped by hand: what was written, and no process."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

GRID = ("--set", "think_time=0 ms,10 ms")
SEARCH = ("--slo", "voice_to_voice_ms:p95<60000", "--to", "5", "--hold", "10 min", "--longest", "10 min")


@pytest.fixture(scope="module")
def run_of(start: Callable[..., Any], scenario: Path, emulator_url: str) -> Callable[[str], Any]:
    """The run of a victim; the next one is started meanwhile, as most of a run's time is spent on starting."""
    run = ("rtbench", "run", scenario, "--duration", "10 min")
    elsewhere = ("--target", emulator_url)
    commands = {
        "engine": (*run, *elsewhere),
        "worker": (*run, *elsewhere, "--workers", "2"),
        "stopped engine": (*run, *elsewhere),
        "emulator": run,
        "emulator of calls": (*run, "--transport", "webrtc"),
        "everything": (*run, "--workers", "2"),
        "Ctrl-C": (*run, *elsewhere, "--workers", "2"),
        "SIGTERM": (*run, *elsewhere),
        "Ctrl-C twice": run,
        "sweep": ("rtbench", "sweep", scenario, *elsewhere, *GRID, "--duration", "10 min"),
        "search": ("rtbench", "capacity", scenario, *elsewhere, *SEARCH),
    }
    victims = list(commands)
    started: dict[str, Any] = {}

    def take(victim: str) -> Any:
        for name in victims[: victims.index(victim) + 2]:
            if name not in started:
                started[name] = start(*commands[name])
        return started[victim]

    return take


@pytest.fixture
def report(start: Callable[..., Any]) -> Callable[[Path], Any]:
    """`rtbench report` on a run, ended."""
    return lambda run: start("rtbench", "report", run).ended()


@pytest.mark.parametrize(
    ("victim", "code", "sentence"),
    [
        ("engine", 4, "rtbench: The engine of worker w0 died in mid-run (killed by signal 9)."),
        ("worker", 4, r"rtbench: Worker w\d went missing in mid-run."),
        ("emulator", 5, "rtbench: The embedded emulator went away in mid-run (killed by signal 9)."),
        ("emulator of calls", 5, "rtbench: The embedded emulator went away in mid-run (killed by signal 9)."),
    ],
)
def test_a_killed_process_ends_the_run_with_its_report_and_one_sentence(
    run_of: Callable[[str], Any],
    rows: Callable[[Path], dict[str, int]],
    victim: str,
    code: int,
    sentence: str,
) -> None:
    running = run_of(victim)
    run = running.until_turns_are_written()
    written = rows(run)
    process = victim.removesuffix(" of calls")
    running.processes(f"rtbench{'.' if process == 'engine' else ' '}{process}")[0].kill()
    ended = running.ended()

    assert ended.code == code, ended.errors
    lines = ended.errors.splitlines()
    assert len(lines) == 1, ended.errors
    assert lines[0] in {sentence, *(sentence.replace(r"\d", digit) for digit in "01")}
    assert (run / "report.html").is_file()
    kept = rows(run)
    assert kept["turns"] >= written["turns"] > 0
    assert kept["sessions"] >= written["sessions"]
    assert running.left_behind() == []


@pytest.mark.parametrize(("victim", "finding"), [("engine", "engine_died"), ("worker", "workers_lost")])
def test_the_loss_of_a_process_makes_the_run_invalid(
    run_of: Callable[[str], Any], victim: str, finding: str
) -> None:
    running = run_of(victim)
    running.ended()
    verdict = json.loads((running.run / "summary.json").read_text())["verdict"]
    assert verdict["level"] == "INVALID"
    assert finding in {found["code"] for found in verdict["findings"]}


def test_an_engine_that_is_stopped_is_noticed_and_ends_the_run(run_of: Callable[[str], Any]) -> None:
    running = run_of("stopped engine")
    run = running.until_turns_are_written()
    running.processes("rtbench.engine")[0].suspend()
    ended = running.ended()

    assert ended.code == 4, ended.errors
    assert ended.errors.splitlines() == [
        "rtbench: The engine of worker w0 fell silent in mid-run and was killed (no sign of life for 10 s)."
    ]
    verdict = json.loads((run / "summary.json").read_text())["verdict"]
    assert verdict["level"] == "INVALID"
    codes = {found["code"] for found in verdict["findings"]}
    assert "engine_silent" in codes
    assert "engine_died" not in codes
    assert running.left_behind() == []


def test_when_everything_is_killed_at_the_root_the_report_can_still_be_made(
    run_of: Callable[[str], Any], rows: Callable[[Path], dict[str, int]], report: Callable[[Path], Any]
) -> None:
    running = run_of("everything")
    run = running.until_turns_are_written()
    running.process.kill()
    assert running.ended().code == -signal.SIGKILL
    assert running.left_behind() == []

    made = report(run)
    assert made.code == 0, made.errors
    assert made.out.splitlines()[-1] == str(run / "report.html")
    summary = json.loads((run / "summary.json").read_text())
    assert {finding["code"] for finding in summary["verdict"]["findings"]} >= {"not_ended"}
    assert rows(run)["turns"] > 0


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_a_run_that_is_stopped_by_hand_loses_nothing(
    run_of: Callable[[str], Any], rows: Callable[[Path], dict[str, int]], how: str
) -> None:
    running = run_of(how)
    run = running.until_turns_are_written()
    if how == "Ctrl-C":
        running.signal_group(signal.SIGINT)
    else:
        running.process.terminate()
    ended = running.ended()

    assert ended.code == 130, ended.errors
    assert ended.errors == "rtbench: interrupted; the report covers what was finished\n"
    assert (run / "report.html").is_file()
    reconciliation = json.loads((run / "run.json").read_text())["reconciliation"]
    assert reconciliation["interrupted"]
    assert reconciliation["workers_planned"] == reconciliation["workers_finished"]
    assert reconciliation["rows_sent"] == reconciliation["rows_received"] == sum(rows(run).values())
    assert running.left_behind() == []


def test_a_second_ctrl_c_leaves_the_report_for_later(
    run_of: Callable[[str], Any], rows: Callable[[Path], dict[str, int]], report: Callable[[Path], Any]
) -> None:
    running = run_of("Ctrl-C twice")
    run = running.until_turns_are_written()
    running.signal_group(signal.SIGINT)

    def ended_run() -> bool:
        return bool(json.loads((run / "run.json").read_text())["reconciliation"])

    running.until(ended_run, "the end of the calls")
    running.until(lambda: not running.processes("rtbench emulator"), "the end of the emulator")
    running.signal_group(signal.SIGINT)
    ended = running.ended()

    assert ended.code == 130, ended.errors
    assert "rtbench: interrupted" in ended.errors
    assert "Traceback" not in ended.errors
    assert running.left_behind() == []
    assert report(run).code == 0
    assert rows(run)["turns"] > 0


def test_ctrl_c_before_the_first_call_leaves_nothing(
    start: Callable[..., Any], scenario: Path, emulator_url: str
) -> None:
    running = start(
        "rtbench", "run", scenario, "--duration", "10 min", "--target", emulator_url, "--workers", "2"
    )
    running.until(lambda: len(running.processes("rtbench worker")) == 2, "the workers")
    running.signal_group(signal.SIGINT)
    ended = running.ended()
    assert ended.code == 130, ended.errors
    assert ended.errors == "rtbench: interrupted\n"
    assert list(running.folder.glob("reports/*")) == []
    assert running.left_behind() == []


def test_a_search_that_is_killed_takes_its_reference_session_with_it(run_of: Callable[[str], Any]) -> None:
    running = run_of("search")
    calls = "reports/*/reference/*/turns.parts/*.parquet"
    running.until(lambda: list(running.folder.glob(calls)), "turns of the reference session")
    assert running.processes("rtbench run")
    running.process.kill()
    assert running.ended().code == -signal.SIGKILL
    assert running.left_behind() == []


def test_a_sweep_that_is_killed_takes_the_run_under_way_with_it(run_of: Callable[[str], Any]) -> None:
    running = run_of("sweep")
    turns = "reports/*/01-*/*/turns.parts/*.parquet"
    running.until(lambda: list(running.folder.glob(turns)), "turns of the first point")
    assert running.processes("rtbench run")
    running.process.kill()
    assert running.ended().code == -signal.SIGKILL
    assert running.left_behind() == []
