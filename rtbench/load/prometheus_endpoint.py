"""A run's measurements at `/metrics`, for Prometheus to fetch while the run lasts.

By the official client library, with a registry of its own; what is answered is made of the tally when it
is asked for, so a run that nobody watches has no work with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gevent import socket
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from rtbench.core.errors import UsageError
from rtbench.load.distribution import Distribution
from rtbench.load.family import Family, Kind, RunIdentity, Unit
from rtbench.load.tally import Tally

PATH = "/metrics"
PREFIX = "rtbench"

UNITS: dict[Unit, str] = {"": "", "s": "_seconds", "By": "_bytes", "USD": "_usd", "1": "_ratio"}
"""Ends of names, as Prometheus wants them."""

_NOT_FOUND = b"The measurements are at /metrics.\n"

_logger = logging.getLogger(__name__)

_TYPES: dict[Kind, type[CounterMetricFamily] | type[GaugeMetricFamily] | type[HistogramMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


class PrometheusEndpoint:
    """Listens at an address, and answers with the measurements of the run that was shown to it."""

    def __init__(self, host: str, port: int) -> None:
        """Listen from now on; there is nothing to tell before `show`. Raises UsageError where that cannot be done."""
        self._registry = CollectorRegistry()
        pages = make_wsgi_app(self._registry)

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ.get("PATH_INFO") != PATH:
                start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [_NOT_FOUND]
            found: Iterable[bytes] = pages(environ, start_response)
            return found

        self._server = WSGIServer(_listener(host, port), answer, log=None, error_log=_logger)
        self._server.start()

    def show(self, tally: Tally, identity: RunIdentity) -> None:
        """Answer with this run's measurements."""
        self._registry.register(_Measurements(tally, identity))

    def close(self) -> None:
        """Listen no longer."""
        self._server.stop()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a run may follow upon another
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
        reason = error.strerror if isinstance(error, OSError) else "no name of a host"
        raise UsageError(
            f"--prometheus: {host}:{port} is taken or cannot be listened at ({reason}); choose another one"
        ) from None
    return listener


class _Measurements(Collector):
    """A tally in Prometheus's words."""

    def __init__(self, tally: Tally, identity: RunIdentity) -> None:
        self._tally = tally
        self._identity = identity

    def collect(self) -> Iterator[Metric]:
        labels = self._identity.labels()
        told = "The run that these measurements are of, and the version of rtbench that holds it."
        info = GaugeMetricFamily(f"{PREFIX}_run_info", told, labels=[*labels, "version"])
        info.add_metric([*labels.values(), self._identity.version], 1.0)
        yield info
        for family in self._tally.families():
            yield _metric(family, labels)


def _metric(family: Family, run: dict[str, str]) -> Metric:
    name = f"{PREFIX}_{family.name}{UNITS[family.unit]}"
    metric = _TYPES[family.kind](name, family.told, labels=[*run, *family.label_names])
    of_run = list(run.values())
    if isinstance(metric, HistogramMetricFamily):
        for labels, distribution in family.distributions.items():
            metric.add_metric([*of_run, *labels], _buckets(distribution), distribution.total)
    else:
        for labels, number in family.numbers.items():
            metric.add_metric([*of_run, *labels], number)
    return metric


def _buckets(distribution: Distribution) -> list[tuple[str, float]]:
    ends = [floatToGoString(bound) for bound in (*distribution.bounds, float("inf"))]
    return list(zip(ends, map(float, distribution.cumulative()), strict=True))
