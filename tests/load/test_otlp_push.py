"""Pushes to a small receiver that decodes them by the protocol's own messages, and to nobody."""

from __future__ import annotations

import http.server
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from rtbench.load import otlp_push
from rtbench.load.otlp_push import OtlpPush

MINUTE_MS = 60_000.0
"""Longer than any test: what is pushed is the last push."""


class Receiver:
    """A collector's door on loopback: keeps what comes, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.came: list[tuple[str, ExportMetricsServiceRequest]] = []
        self.headers: list[dict[str, str]] = []
        receiver = self

        class Door(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.came.append((self.path, ExportMetricsServiceRequest.FromString(body)))
                receiver.headers.append(dict(self.headers))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/metrics"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


def attributes(found: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in found}


def metrics(request: ExportMetricsServiceRequest) -> dict[str, Any]:
    [resource] = request.resource_metrics
    return {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}


def test_a_run_is_pushed_at_its_end_with_all_that_it_came_to(receiver, tally, identity, turn_of) -> None:
    push = OtlpPush(receiver.url, MINUTE_MS, tally, identity)
    for wait_ms in (450, 820, -40):
        tally.take("turns", turn_of(wait_ms))
    tally.take("turns", turn_of(None, outcome="no_answer"))
    assert push.end() == ""
    [(path, request)] = receiver.came
    assert path == "/v1/metrics"
    [resource] = request.resource_metrics
    about = attributes(resource.resource.attributes)
    assert about["service.name"] == "rtbench"
    assert about["rtbench.run"] == "20261101-020000-brief"
    assert about["rtbench.scenario"] == "brief"
    found = metrics(request)
    turns = found["rtbench.turns"].sum
    assert turns.is_monotonic
    counted = {attributes(p.attributes)["outcome"]: p.as_double for p in turns.data_points}
    assert (counted["answered"], counted["no_answer"]) == (3, 1)
    waits = found["rtbench.voice_to_voice"]
    [point] = waits.histogram.data_points
    assert waits.unit == "s"
    assert attributes(point.attributes) == {"turn_kind": "spoken", "tool": "false"}
    assert (point.count, point.bucket_counts[0], point.bucket_counts[-1]) == (4, 1, 1)
    assert point.sum == pytest.approx(1.27)
    assert (point.min, point.max) == (pytest.approx(-0.04), pytest.approx(0.82))
    assert point.time_unix_nano >= point.start_time_unix_nano > 0
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1


def test_what_has_not_happened_is_not_pushed(receiver, tally, identity) -> None:
    OtlpPush(receiver.url, MINUTE_MS, tally, identity).end()
    [(_, request)] = receiver.came
    found = metrics(request)
    assert "rtbench.voice_to_voice" not in found
    assert found["rtbench.verdict"].WhichOneof("data") == "gauge"
    assert found["rtbench.run.info"].gauge.data_points[0].as_int == 1


def test_a_run_is_pushed_while_it_lasts(receiver, tally, identity, turn_of) -> None:
    push = OtlpPush(receiver.url, 20.0, tally, identity)
    twice = threading.Event()
    while len(receiver.came) < 2:
        twice.wait(0.005)
    tally.take("turns", turn_of(450))
    assert push.end() == ""
    counts = [
        sum(p.as_double for p in metrics(request)["rtbench.turns"].sum.data_points) for _, request in receiver.came
    ]  # fmt: skip
    assert counts[0] == 0
    assert counts[-1] == 1


def test_headers_that_the_collector_wants_come_from_the_environment(
    receiver, tally, identity, monkeypatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=voice")
    OtlpPush(receiver.url, MINUTE_MS, tally, identity).end()
    assert receiver.headers[0]["x-tenant"] == "voice"
    assert b"x-tenant" not in receiver.came[0][1].SerializeToString()


def test_nobody_there_is_told_once_and_raises_nothing(tally, identity, monkeypatch, caplog) -> None:
    monkeypatch.setattr(otlp_push, "PUSH_TIMEOUT_S", 0.2)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen: the port is its own, and refuses
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/metrics"
        told = OtlpPush(url, MINUTE_MS, tally, identity).end()
    assert told.startswith(f"--otlp: 1 of 1 pushes to {url} failed (")
    assert told.endswith("; the run is not affected")
    assert "\n" not in told
    assert caplog.records == []


def test_a_collector_that_refuses_is_told_as_well(receiver, tally, identity) -> None:
    receiver.status = 403
    told = OtlpPush(receiver.url, MINUTE_MS, tally, identity).end()
    assert "1 of 1 pushes" in told
    assert "403" in told


def test_the_sdks_log_is_as_before_when_the_push_has_ended(receiver, tally, identity) -> None:
    log = logging.getLogger("opentelemetry")
    before = (log.propagate, list(log.handlers))
    OtlpPush(receiver.url, MINUTE_MS, tally, identity).end()
    assert (log.propagate, list(log.handlers)) == before
