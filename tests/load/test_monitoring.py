from __future__ import annotations

from typing import Any

import pytest

from rtbench.core.errors import ExitCode, UsageError
from rtbench.load import monitoring as module
from rtbench.load import otlp_push, prometheus_endpoint
from rtbench.load.monitoring import Monitoring, Monitors


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_address_is_on_loopback_unless_a_host_is_named(written, address) -> None:
    assert Monitoring.read(written, None).prometheus == address


@pytest.mark.parametrize("written", ["", "x", "0", "65536", "host", "host:", ":9464", "1.5"])
def test_an_address_that_cannot_be_meant_is_refused(written) -> None:
    with pytest.raises(UsageError, match="--prometheus: say a port from 1 to 65535"):
        Monitoring.read(written, None)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
        ("https://collector.example.com/", "https://collector.example.com/v1/metrics"),
        ("http://127.0.0.1:4318/otlp/v1/metrics", "http://127.0.0.1:4318/otlp/v1/metrics"),
    ],
)
def test_metrics_go_where_collectors_take_them(written, url) -> None:
    assert Monitoring.read(None, written).otlp_url == url


@pytest.mark.parametrize("written", ["", "collector:4318", "ftp://x", "http://", "http://x:y", "http://[x"])
def test_what_is_no_url_is_refused(written) -> None:
    with pytest.raises(UsageError, match="--otlp: say the URL of a collector"):
        Monitoring.read(None, written)


@pytest.mark.parametrize("written", ["http://user:secret@x:4318", "http://x:4318/?key=secret"])
def test_a_key_in_the_url_is_refused_and_not_repeated(written) -> None:
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
        Monitoring.read(None, written)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("9464", None),
            "--prometheus needs packages that are not installed: pip install 'rtbench[prometheus]'",
        ),
        (
            (None, "http://127.0.0.1:4318"),
            "--otlp needs packages that are not installed: pip install 'rtbench[otel]'",
        ),
    ],
)
def test_a_missing_extra_is_named(options, sentence, monkeypatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        Monitoring.read(*options)
    assert str(refused.value) == sentence
    assert refused.value.exit_code is ExitCode.USAGE


def test_a_missing_package_above_it_is_a_missing_extra() -> None:
    with pytest.raises(UsageError, match=r"rtbench\[x\]"):
        module._require("no_such_package.inner", "--x", "x")


@pytest.mark.parametrize(("written", "interval_ms"), [("500", 500.0), ("", 5_000.0), (" 1e3 ", 1_000.0)])
def test_the_interval_comes_from_the_variable_of_opentelemetry(written, interval_ms, monkeypatch) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", written)
    assert Monitoring.read(None, "http://127.0.0.1:4318").otlp_interval_ms == interval_ms


@pytest.mark.parametrize("written", ["0", "-5", "5 s", "nan", "inf"])
def test_an_interval_that_cannot_be_meant_is_refused_where_it_counts(written, monkeypatch) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", written)
    assert Monitoring.read(None, None) == Monitoring()
    with pytest.raises(
        UsageError, match=r"^--otlp: OTEL_METRIC_EXPORT_INTERVAL must be milliseconds above 0"
    ):
        Monitoring.read(None, "http://127.0.0.1:4318")


def test_nobody_watches_unless_asked_to() -> None:
    monitoring = Monitoring.read(None, None)
    assert monitoring == Monitoring()
    assert not monitoring.wanted
    assert Monitors(monitoring).end() == ""


class Watcher:
    """In the place of either."""

    def __init__(self, *made_of: Any) -> None:
        self.steps: list[Any] = [made_of]
        watchers.append(self)

    def show(self, *shown: Any) -> None:
        self.steps.append(shown)

    def close(self) -> None:
        self.steps.append("closed")

    def end(self) -> str:
        self.steps.append("ended")
        return "pushes failed"


watchers: list[Watcher] = []


@pytest.fixture(autouse=True)
def _watchers(monkeypatch: pytest.MonkeyPatch) -> None:
    watchers.clear()
    monkeypatch.setattr(prometheus_endpoint, "PrometheusEndpoint", Watcher)
    monkeypatch.setattr(otlp_push, "OtlpPush", Watcher)


def test_the_port_is_open_before_the_run_and_the_push_begins_with_it(tally, identity) -> None:
    monitors = Monitors(Monitoring(("127.0.0.1", 9464), "http://x/v1/metrics"))
    [endpoint] = watchers
    monitors.begin(tally, identity)
    assert endpoint.steps == [("127.0.0.1", 9464), (tally, identity)]
    [_, push] = watchers
    assert push.steps == [("http://x/v1/metrics", 5_000.0, tally, identity)]
    assert monitors.end() == "pushes failed"
    assert (endpoint.steps[-1], push.steps[-1]) == ("closed", "ended")


def test_a_run_that_never_began_is_told_to_nobody() -> None:
    monitors = Monitors(Monitoring(("127.0.0.1", 9464), "http://x/v1/metrics"))
    assert monitors.end() == ""
    [endpoint] = watchers
    assert endpoint.steps[-1] == "closed"
