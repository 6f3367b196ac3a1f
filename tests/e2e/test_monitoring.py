"""Runs that are watched by machine: by Prometheus itself, and by a collector that is there or is not."""

from __future__ import annotations

import http.server
import json
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

pytestmark = pytest.mark.e2e

CALLERS = 2
"""Each holds one call of one turn, and waits for longer than the run lasts before the next."""

NEEDS_PROMETHEUS = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus and promtool are not installed (Debian: prometheus)",
)


@pytest.fixture(scope="module")
def free_ports() -> dict[str, int]:
    with socket.socket() as metrics, socket.socket() as prometheus:
        probes = {"metrics": metrics, "prometheus": prometheus}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in probes.items()}


@pytest.fixture(scope="module")
def nobody() -> Iterator[str]:
    """An address that refuses: its port is held for the whole time, and nobody listens there."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


@pytest.fixture(scope="module")
def pushes() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """A collector's door, and what came through it."""
    came: list[ExportMetricsServiceRequest] = []

    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(
                ExportMetricsServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, free_ports: dict[str, int]) -> Iterator[str]:
    """Prometheus, asking the run twice a second; its address."""
    program, folder = shutil.which("prometheus"), tmp_path_factory.mktemp("prometheus")
    assert program is not None
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [
            {
                "job_name": "rtbench",
                "static_configs": [{"targets": [f"127.0.0.1:{free_ports['metrics']}"]}],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_ports['prometheus']}"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        yield f"http://{address}"
        process.terminate()


@pytest.fixture(scope="module")
def running(
    start: Callable[..., Any],
    scenario_text: str,
    emulator_url: str,
    free_ports: dict[str, int],
    pushes: tuple[str, list[ExportMetricsServiceRequest]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A run that everybody watches, and that goes on until it is stopped."""
    scenario = tmp_path_factory.mktemp("scenario") / "once.yaml"
    scenario.write_text(scenario_text.replace("between_calls: 100 ms", "between_calls: 10 min"))
    watched = ("--prometheus", str(free_ports["metrics"]), "--otlp", pushes[0])
    load = ("--users", str(CALLERS), "--duration", "10 min", "--target", emulator_url)
    return start("rtbench", "run", scenario, *load, *watched, OTEL_METRIC_EXPORT_INTERVAL="500")


@pytest.fixture(scope="module")
def unwatched(start: Callable[..., Any], scenario: Path, nobody: str) -> Any:
    """A run whose collector is not there."""
    return start("rtbench", "run", scenario, "--workers", "2", "--otlp", nobody)


def fetch(url: str) -> bytes:
    """Empty where nobody answers yet."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            body: bytes = answer.read()
    except OSError:
        return b""
    return body


def asked(prometheus: str, query: str) -> float | None:
    """What a query comes to; None where it comes to nothing yet."""
    body = fetch(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    found = json.loads(body)["data"]["result"] if body else []
    return float(found[0]["value"][1]) if found else None


@NEEDS_PROMETHEUS
def test_prometheus_asks_a_run_and_knows_its_turns(running: Any, unwatched: Any, prometheus: str) -> None:
    run = running.until_turns_are_written().name
    turns = f'sum(rtbench_turns_total{{run="{run}",outcome="answered"}})'
    running.until(lambda: asked(prometheus, turns) == CALLERS, "Prometheus knows the turns")
    waits = f'(sum(rtbench_voice_to_voice_seconds_count{{run="{run}"}}) or vector(0))'
    void = f'sum(rtbench_void_turns_total{{run="{run}"}})'  # on a busy machine: they are in no histogram
    assert asked(prometheus, f"{waits} + {void}") == CALLERS
    running.until(lambda: asked(prometheus, 'rtbench_sessions{state="wanted"}') == CALLERS, "callers")
    assert asked(prometheus, f'rtbench_run_info{{run="{run}",target=~"http://127.*"}}') == 1


@NEEDS_PROMETHEUS
def test_prometheuss_own_checker_has_nothing_to_say_to_a_run(
    running: Any, free_ports: dict[str, int]
) -> None:
    running.until_turns_are_written()
    text = fetch(f"http://127.0.0.1:{free_ports['metrics']}/metrics")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert text.count(b"\n") > 100


def test_a_run_pushes_while_it_lasts_and_when_it_ends(
    running: Any,
    pushes: tuple[str, list[ExportMetricsServiceRequest]],
    rows: Callable[[Path], dict[str, int]],
) -> None:
    _, came = pushes
    run = running.until_turns_are_written()
    running.until(lambda: rows(run)["turns"] == CALLERS, "all turns")
    running.until(lambda: len(came) > 3, "pushes")
    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert ended.code == 130
    assert "--otlp" not in ended.errors
    [resource] = came[-1].resource_metrics
    about = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (about["service.name"], about["rtbench.run"]) == ("rtbench", run.name)
    metrics = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    turns = sum(point.as_double for point in metrics["rtbench.turns"].sum.data_points)
    assert turns == rows(run)["turns"] == CALLERS
    waits = metrics.get("rtbench.voice_to_voice")
    heard = sum(point.count for point in waits.histogram.data_points) if waits is not None else 0
    [void] = metrics["rtbench.void_turns"].sum.data_points
    assert heard + void.as_double == CALLERS
    assert running.left_behind() == []


def test_a_collector_that_is_not_there_is_told_once_and_changes_nothing(
    unwatched: Any, rows: Callable[[Path], dict[str, int]]
) -> None:
    ended = unwatched.ended()
    level = json.loads((unwatched.run / "summary.json").read_text())["verdict"]["level"]
    assert ended.code == (4 if level == "INVALID" else 0), ended.errors
    assert rows(unwatched.run) == {"turns": 4, "sessions": 4}
    [told] = ended.errors.splitlines()
    assert told.startswith("rtbench: --otlp: ")
    assert told.endswith("; the run is not affected")
    assert unwatched.left_behind() == []
