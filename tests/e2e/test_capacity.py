"""A capacity search and shaped loads through the real commands: a service with room for three calls."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

ROOM = 3

SHORT_CALLS = """\
name: doors
corpus: {corpus}
conversation:
  - pause: 300 ms
between_calls: 100 ms
emulator:
  replies: [sure_america]
  capacity: {{sessions: {room}, refusal: 503}}
"""

SEARCH = (
    *("--slo", "session_success_rate:rate>=0.8", "--from", "3", "--to", "6", "--repeats", "1"),
    *("--samples", "1", "--hold", "1s", "--settle", "300ms", "--tolerant", "--no-reference"),
)


@pytest.fixture(scope="module")
def commands(
    start: Callable[..., Any], corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """All of them at the same time, as most of their time is spent on starting."""
    scenario = tmp_path_factory.mktemp("doors") / "doors.yaml"
    scenario.write_text(SHORT_CALLS.format(corpus=corpus, room=ROOM))
    shape = "open:rate=8,arrivals=constant,cap=2,lasts=3s"
    return {
        "capacity": start("rtbench", "capacity", scenario, *SEARCH),
        "open load": start("rtbench", "run", scenario, "--shape", shape, "--workers", "2"),
    }


def test_the_search_ends_at_the_services_room_or_says_that_the_machine_was_too_slow(commands) -> None:
    ended = commands["capacity"].ended()
    (directory,) = (commands["capacity"].folder / "reports").iterdir()
    found = json.loads((directory / "capacity.json").read_text())
    if found["capacity"]["ending"] == "generator":  # others keep this machine busy
        assert ended.code == 4
        assert found["sentence"].startswith("No capacity: ")
    else:
        assert ended.code == 0, ended.errors
        assert found["capacity"]["level"] == ROOM
        assert found["first_to_break"]["level"] == ROOM + 1
        assert found["first_to_break"]["slo"] == "session_success_rate rate >= 0.8"
    assert " ".join(ended.out.split()).endswith(
        str((directory / "capacity.html").relative_to(commands["capacity"].folder))
    )
    (run,) = directory.glob("*-doors")
    assert (run / "report.html").is_file()
    assert commands["capacity"].left_behind() == []


def test_arrivals_that_find_no_caller_are_counted(commands) -> None:
    commands["open load"].ended()
    run = json.loads((commands["open load"].run / "run.json").read_text())
    counted = run["reconciliation"]
    assert run["load"]["shape"]["open"]["rate"] == 8.0
    assert counted["workers_finished"] == counted["workers_planned"] == 2
    assert counted["sessions_planned"] == 24
    assert counted["sessions_started"] + counted["sessions_not_started"] == 24
    assert counted["sessions_finished"] == counted["sessions_started"] > 0
    assert commands["open load"].left_behind() == []
