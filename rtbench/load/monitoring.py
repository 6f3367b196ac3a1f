"""Who watches a run by machine: Prometheus, which comes and asks, and an OpenTelemetry collector, which is told."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rtbench.core.errors import UsageError

if TYPE_CHECKING:
    from rtbench.load.family import RunIdentity
    from rtbench.load.otlp_push import OtlpPush
    from rtbench.load.prometheus_endpoint import PrometheusEndpoint
    from rtbench.load.tally import Tally

LOOPBACK = "127.0.0.1"
INTERVAL_VARIABLE = "OTEL_METRIC_EXPORT_INTERVAL"
INTERVAL_MS = 5_000.0
"""Between two pushes, where INTERVAL_VARIABLE says nothing else: a run is over before the SDK's own 60 s."""

METRICS_PATH = "/v1/metrics"
"""Where collectors take metrics (OTLP specification, OTLP/HTTP request)."""


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What the command line says of it; None, or empty, where nobody watches."""

    prometheus: tuple[str, int] | None = None
    """Host and port to listen at."""

    otlp_url: str = ""
    otlp_interval_ms: float = INTERVAL_MS

    @property
    def wanted(self) -> bool:
        return self.prometheus is not None or bool(self.otlp_url)

    @classmethod
    def read(cls, prometheus: str | None, otlp: str | None) -> Monitoring:
        """From the options as written, and INTERVAL_VARIABLE.

        Raises UsageError where they cannot be meant, or where their extra is not installed.
        """
        if prometheus is not None:
            _require("prometheus_client", "--prometheus", "prometheus")
        if otlp is not None:
            _require("opentelemetry.exporter.otlp.proto.http", "--otlp", "otel")
        address = None if prometheus is None else _address(prometheus)
        if otlp is None:
            return cls(address)
        return cls(address, _metrics_url(otlp), _interval_ms(os.environ.get(INTERVAL_VARIABLE, "")))


class Monitors:
    """Those of one run: open before it begins, shown the run once it has, closed after it."""

    def __init__(self, monitoring: Monitoring) -> None:
        """Listen where that is wanted. Raises UsageError where it cannot be done."""
        self._otlp_url, self._otlp_interval_ms = monitoring.otlp_url, monitoring.otlp_interval_ms
        self._push: OtlpPush | None = None
        self._endpoint: PrometheusEndpoint | None = None
        if monitoring.prometheus is not None:
            from rtbench.load.prometheus_endpoint import PrometheusEndpoint

            self._endpoint = PrometheusEndpoint(*monitoring.prometheus)

    def begin(self, tally: Tally, identity: RunIdentity) -> None:
        """The run has begun."""
        if self._endpoint is not None:
            self._endpoint.show(tally, identity)
        if self._otlp_url:
            from rtbench.load.otlp_push import OtlpPush

            self._push = OtlpPush(self._otlp_url, self._otlp_interval_ms, tally, identity)

    def end(self) -> str:
        """The run is over: what is to be said of it, empty where that is nothing."""
        with ExitStack() as cleanup:
            if self._endpoint is not None:
                cleanup.callback(self._endpoint.close)
            push, self._push = self._push, None
            return push.end() if push is not None else ""


def _require(module: str, option: str, extra: str) -> None:
    try:
        there = find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        there = False
    if not there:
        raise UsageError(f"{option} needs packages that are not installed: pip install 'rtbench[{extra}]'")


def _address(written: str) -> tuple[str, int]:
    host, colon, port = written.rpartition(":")
    if not port.isdecimal() or not 1 <= int(port) <= 65_535 or (colon and not host):
        raise UsageError(
            f"--prometheus: say a port from 1 to 65535, or HOST:PORT, such as {LOOPBACK}:9464, not '{written}'"
        )
    return host.strip("[]") or LOOPBACK, int(port)


def _interval_ms(written: str) -> float:
    """An empty variable counts as none (OpenTelemetry specification, environment variables)."""
    if not written.strip():
        return INTERVAL_MS
    try:
        interval_ms = float(written)
    except ValueError:
        interval_ms = 0.0
    if not 0 < interval_ms < float("inf"):
        raise UsageError(f"--otlp: {INTERVAL_VARIABLE} must be milliseconds above 0, not '{written}'")
    return interval_ms


def _metrics_url(written: str) -> str:
    try:
        url = urlsplit(written)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise UsageError(
            f"--otlp: say the URL of a collector, such as http://{LOOPBACK}:4318, not '{written}'"
        )
    if url.username is not None or url.query or url.fragment:
        raise UsageError(
            "--otlp: the URL ends with its path and holds no credentials; headers come from OTEL_EXPORTER_OTLP_HEADERS"
        )
    return url._replace(path=url.path if url.path.strip("/") else METRICS_PATH).geturl()
