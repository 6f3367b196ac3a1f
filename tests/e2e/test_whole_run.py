"""Runs that come to their end: by `rtbench run` with one process and with two, and with Locust's page."""

import contextlib
import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

LOSSES = {"rows_lost", "workers_lost", "engine_died", "engine_silent", "not_ended", "no_turns"}
"""Findings that no run may have; a busy machine may make one late, which is none of these."""


@pytest.fixture(scope="module")
def page() -> str:
    """Address of the page, on a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="module")
def runs(start: Callable[..., Any], scenario: Path, emulator_url: str, page: str) -> dict[str, Any]:
    """All of them at the same time, as most of their time is spent on starting."""
    run = ("rtbench", "run", scenario)
    return {
        "one process": start(*run),
        "two workers": start(*run, "--workers", "2"),
        "over webrtc": start(*run, "--transport", "webrtc", "--codec", "pcma"),
        "page": start(
            *run, "--web", page.rpartition(":")[2], "--target", emulator_url, "--duration", "10 min"
        ),
    }


@pytest.mark.parametrize("name", ["one process", "two workers", "over webrtc"])
def test_a_run_ends_with_its_report_and_every_row(
    runs: dict[str, Any], name: str, rows: Callable[[Path], dict[str, int]]
) -> None:
    running = runs[name]
    ended = running.ended()
    summary = json.loads((running.run / "summary.json").read_text())
    verdict = summary["verdict"]["level"]

    assert ended.code == (4 if verdict == "INVALID" else 0), ended.errors
    assert re.search(rf"^ {verdict} *$", ended.out, re.MULTILINE)
    assert not LOSSES & {finding["code"] for finding in summary["verdict"]["findings"]}
    assert ended.out.splitlines()[-1] == str(Path("reports") / running.run.name / "report.html")
    assert (running.run / "report.html").stat().st_size > 10_000
    assert ended.errors == ""

    reconciliation = json.loads((running.run / "run.json").read_text())["reconciliation"]
    assert rows(running.run) == {"turns": 4, "sessions": 4}
    assert reconciliation["rows_sent"] == reconciliation["rows_received"] == 8
    assert reconciliation["workers_planned"] == reconciliation["workers_finished"]
    assert reconciliation["workers_planned"] == (2 if name == "two workers" else 1)
    assert running.left_behind() == []


def test_the_run_of_two_workers_keeps_their_callers_apart(runs: dict[str, Any]) -> None:
    import pyarrow.parquet as pq

    runs["two workers"].ended()
    sessions = pq.read_table(runs["two workers"].run / "sessions.parquet").to_pylist()
    assert {row["worker"] for row in sessions} == {"w0", "w1"}
    assert len({(row["user"], row["iteration"]) for row in sessions}) == 4


def test_locusts_page_shows_the_conversations(runs: dict[str, Any], page: str) -> None:
    running = runs["page"]
    running.until_turns_are_written()
    with urllib.request.urlopen(f"{page}/", timeout=60) as answer:
        assert b"Locust" in answer.read()

    def statistics() -> dict[tuple[str, str], Any]:
        with urllib.request.urlopen(f"{page}/stats/requests", timeout=60) as answer:
            found = json.load(answer)["stats"]
        return {(entry["method"], entry["name"]): entry for entry in found}

    wanted = {("voice", "connect"), ("voice", "voice_to_voice")}
    shown = running.until(
        lambda: found if wanted <= (found := statistics()).keys() else None, "voice entries"
    )
    assert shown["voice", "voice_to_voice"]["num_failures"] == 0


def test_locusts_page_has_tabs_with_the_runs_own_tables(runs: dict[str, Any], page: str) -> None:
    running = runs["page"]
    running.until_turns_are_written()
    with urllib.request.urlopen(f"{page}/", timeout=60) as answer:
        assert b'"title": "Turns"' in answer.read()

    def tables() -> dict[str, Any]:
        with urllib.request.urlopen(f"{page}/stats/requests", timeout=60) as answer:
            return {each["key"]: each["data"] for each in json.load(answer)["extended_stats"]}

    shown = running.until(lambda: found if (found := tables())["generator"] else None, "an engine's row")
    [turns] = shown["turns"]
    assert turns["kind"] == "spoken"
    assert turns["turns"] > 0
    assert [row["engine"] for row in shown["generator"]] == ["w0"]
    assert shown["verdict"][0]["level"] in ("VALID", "SUSPECT", "INVALID")


def test_the_stop_button_of_the_page_ends_the_run_with_its_report(
    runs: dict[str, Any], page: str, rows: Callable[[Path], dict[str, int]]
) -> None:
    running = runs["page"]
    running.until_turns_are_written()
    with contextlib.suppress(OSError):  # the page may be gone with the run before it has answered
        urllib.request.urlopen(f"{page}/stop", data=b"", timeout=60).close()

    ended = running.ended()
    assert ended.errors == ""
    reconciliation = json.loads((running.run / "run.json").read_text())["reconciliation"]
    assert reconciliation["rows_sent"] == reconciliation["rows_received"] == sum(rows(running.run).values())
    assert (running.run / "report.html").is_file()
    assert running.left_behind() == []


def test_a_run_over_webrtc_tells_what_the_network_did(runs: dict[str, Any]) -> None:
    running = runs["over webrtc"]
    running.ended()
    network = json.loads((running.run / "summary.json").read_text())["network"]

    assert (network["calls"], network["codecs"], network["packets_lost"]) == (4, {"pcma": 4}, 0)
    assert set(network["connection_ms"]) == {"key_ms", "sdp_ms", "ice_ms", "dtls_ms", "channel_ms"}
    assert json.loads((running.run / "run.json").read_text())["transport"] == "webrtc"
    page = (running.run / "report.html").read_text()
    assert "<h2>Network</h2>" in page and 'id="connection_parts"' in page
