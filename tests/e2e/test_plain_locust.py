"""A user's own locustfile, run by the `locust` command itself: nothing is lost at its end."""

import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

CALLER = """
from locust import HttpUser, constant, task
from rtbench import RealtimeUser

class Caller(RealtimeUser):
    host = "{emulator}"
    scenario = "{scenario}"
"""

SHOPPER = """
class Shopper(HttpUser):
    host = "{shop}"
    wait_time = constant(0.2)

    @task
    def look(self):
        self.client.get("/")
"""

HEADLESS = ("--headless", "--only-summary", "-u", "4", "-r", "10")


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def locustfile(
    tmp_path_factory: pytest.TempPathFactory, scenario: Path, emulator_url: str, shop: str
) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("locustfiles")

    def write(text: str) -> Path:
        path = folder / f"locustfile_{len(list(folder.iterdir()))}.py"
        path.write_text(text.format(emulator=emulator_url, scenario=scenario, shop=shop))
        return path

    return write


@pytest.fixture(scope="module")
def page_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def runs(start: Callable[..., Any], locustfile: Callable[[str], Path], page_port: str) -> dict[str, Any]:
    with_page = ("--autostart", "--web-host", "127.0.0.1", "--web-port", page_port, "-u", "2", "-r", "10")
    return {
        "one process": start("locust", "-f", locustfile(CALLER), *HEADLESS),
        "with its page": start("locust", "-f", locustfile(CALLER), *with_page),
        "two processes": start("locust", "-f", locustfile(CALLER + SHOPPER), "--processes", "2", *HEADLESS),
    }


@pytest.mark.parametrize(("name", "workers"), [("one process", 1), ("two processes", 2)])
def test_no_row_is_lost_when_locust_is_stopped(
    runs: dict[str, Any], rows: Callable[[Path], dict[str, int]], name: str, workers: int
) -> None:
    running = runs[name]
    running.until_turns_are_written()
    running.process.terminate()  # not Ctrl-C, which Python raises in whatever greenlet runs just then
    ended = running.ended()

    assert ended.code == 0, ended.errors
    assert "Traceback" not in ended.errors
    assert "voice_to_voice" in ended.out + ended.errors
    run = json.loads((running.run / "run.json").read_text())
    reconciliation = run["reconciliation"]
    assert reconciliation["workers_planned"] == reconciliation["workers_finished"] == workers
    assert reconciliation["rows_sent"] == reconciliation["rows_received"] == sum(rows(running.run).values())
    assert rows(running.run)["turns"] > 0
    assert running.left_behind() == []


def test_an_http_user_works_beside_the_callers(runs: dict[str, Any]) -> None:
    ended = runs["two processes"].ended()
    shoppers = [line for line in (ended.out + ended.errors).splitlines() if line.startswith("GET ")]
    assert shoppers and "0(0.00%)" in shoppers[0]


def test_locusts_own_page_has_tabs_with_our_tables(runs: dict[str, Any], page_port: str) -> None:
    running = runs["with its page"]
    running.until_turns_are_written()
    page = f"http://127.0.0.1:{page_port}"
    with urllib.request.urlopen(f"{page}/", timeout=60) as answer:
        assert b'"title": "Turns"' in answer.read()
    with urllib.request.urlopen(f"{page}/stats/requests", timeout=60) as answer:
        shown = {each["key"]: each["data"] for each in json.load(answer)["extended_stats"]}
    assert [row["kind"] for row in shown["turns"]] == ["spoken"]
    running.process.terminate()
    assert running.ended().code == 0
    assert running.left_behind() == []


def test_the_host_of_the_user_class_is_the_target(runs: dict[str, Any], emulator_url: str) -> None:
    runs["one process"].ended()
    run = json.loads((runs["one process"].run / "run.json").read_text())
    assert run["target"] == emulator_url


def test_the_run_ends_when_its_budget_is_spent(
    start: Callable[..., Any], locustfile: Callable[[str], Path]
) -> None:
    text = CALLER + "    until_stopped = True\n"
    running = start("locust", "-f", locustfile(text), *HEADLESS, "--budget-minutes", "0.05")
    ended = running.ended()
    assert ended.code == 6, ended.errors
    told = [
        line for line in ended.errors.splitlines() if "the budget of 0.05 call minutes is reached" in line
    ]
    assert len(told) == 1
    run = json.loads((running.run / "run.json").read_text())
    assert run["reconciliation"]["rows_sent"] == run["reconciliation"]["rows_received"]
    assert "Traceback" not in ended.errors
    assert running.left_behind() == []


def test_a_locustfile_without_callers_is_none_of_our_business(
    start: Callable[..., Any], locustfile: Callable[[str], Path]
) -> None:
    running = start("locust", "-f", locustfile(CALLER + SHOPPER), "Shopper", *HEADLESS, "-t", "1s")
    ended = running.ended()
    assert ended.code == 0, ended.errors
    assert "Traceback" not in ended.errors
    assert not (running.folder / "reports").exists()


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("    scenario = 'nowhere.yaml'\n", 1, "nowhere.yaml: no such file"),
        ("", 1, "A RealtimeUser needs `scenario`, the path of a scenario file."),
        (
            "    scenario = '{scenario}'\n    host = 'http://127.0.0.1:9/v1'\n",
            5,
            "http://127.0.0.1:9/v1 cannot be reached",
        ),
        (
            "    scenario = '{scenario}'\n    host = 'https://voice.example/v1'\n",
            1,
            "https://voice.example/v1 is not on this machine and may cost money",
        ),
    ],
)
def test_what_cannot_begin_is_told_in_one_sentence(
    start: Callable[..., Any], locustfile: Callable[[str], Path], text: str, code: int, sentence: str
) -> None:
    heading = "from rtbench import RealtimeUser\nclass Caller(RealtimeUser):\n    '''Calls.'''\n"
    running = start("locust", "-f", locustfile(heading + text), *HEADLESS)
    ended = running.ended()
    assert ended.code == code, ended.errors
    assert sum(sentence in line for line in ended.errors.splitlines()) == 1
    assert "Traceback" not in ended.errors
    assert list(running.folder.glob("reports/*")) == []
    assert running.left_behind() == []
