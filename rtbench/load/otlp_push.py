"""A run's measurements pushed to an OpenTelemetry collector while the run lasts, as OTLP over HTTP.

By the official SDK: its reader keeps the time, its exporter speaks the protocol. The measurements are
those of the tally; they are put in the SDK's own form here instead of being recorded a second time, as
its instruments take neither answers that never came nor answers before the question.

A collector that does not answer costs the run nothing but what is told of it at the end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    Sum,
)
from opentelemetry.sdk.resources import Resource

from rtbench.clock import unix_ns
from rtbench.load.distribution import Distribution
from rtbench.load.family import Family, Labels, RunIdentity
from rtbench.load.tally import Tally

PREFIX = "rtbench"

PUSH_TIMEOUT_S = 2.0
END_TIMEOUT_MS = 4_000.0
"""For the last push, at the end of a run; a collector that is gone holds the report up by no more."""

CUMULATIVE = AggregationTemporality.CUMULATIVE

_SDK = logging.getLogger("opentelemetry")


class OtlpPush:
    """Pushes now and then, until it is ended."""

    def __init__(self, url: str, interval_ms: float, tally: Tally, identity: RunIdentity) -> None:
        """`url`: of the collector, down to `/v1/metrics`. Headers that it wants come from OTEL_EXPORTER_OTLP_HEADERS."""
        self._url = url
        self._sdk_words = _LastWords()
        self._propagate = _SDK.propagate
        _SDK.addHandler(self._sdk_words)
        _SDK.propagate = False  # its retries are no news; what comes of them is told at the end
        self._exporter = _TallyExporter(
            OTLPMetricExporter(endpoint=url, timeout=PUSH_TIMEOUT_S), lambda: _metrics(tally, start_ns)
        )
        start_ns = unix_ns()
        reader = PeriodicExportingMetricReader(self._exporter, export_interval_millis=interval_ms)
        about = {"service.name": PREFIX, "service.version": identity.version}
        about |= {f"{PREFIX}.{name}": value for name, value in identity.labels().items()}
        self._provider = MeterProvider([reader], Resource.create(about), shutdown_on_exit=False)

        def present(_: CallbackOptions) -> Iterator[Observation]:
            yield Observation(1, {"version": identity.version})

        told = "The run that these measurements are of."
        meter = self._provider.get_meter(PREFIX, identity.version)
        meter.create_observable_gauge(f"{PREFIX}.run.info", [present], description=told)

    def end(self) -> str:
        """Push for a last time. What to say of pushes that failed, empty where none did."""
        try:
            self._provider.shutdown(timeout_millis=END_TIMEOUT_MS)
        except Exception as error:  # whatever the SDK makes of a collector that hangs
            self._sdk_words.text = str(error)
        finally:
            _SDK.removeHandler(self._sdk_words)
            _SDK.propagate = self._propagate
        pushes, failed = self._exporter.pushes, self._exporter.failed
        if pushes and not failed:
            return ""
        reason = f" ({self._sdk_words.text})" if self._sdk_words.text else ""
        return f"--otlp: {failed} of {pushes} pushes to {self._url} failed{reason}; the run is not affected"


class _TallyExporter(MetricExporter):
    """The official exporter, given the tally's measurements besides what the SDK has collected."""

    def __init__(self, exporter: OTLPMetricExporter, measure: Callable[[], list[Metric]]) -> None:
        super().__init__()
        self.pushes = 0
        self.failed = 0
        self._exporter = exporter
        self._measure = measure

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        [resource] = metrics_data.resource_metrics
        [scope] = resource.scope_metrics
        measured = replace(scope, metrics=[*scope.metrics, *self._measure()])
        whole = replace(metrics_data, resource_metrics=[replace(resource, scope_metrics=[measured])])
        self.pushes += 1
        self.failed += 1  # until it has come to an end
        result = self._exporter.export(whole, timeout_millis)
        self.failed -= result is MetricExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._exporter.shutdown(timeout_millis)


class _LastWords(logging.Handler):
    """Keeps the last thing that the SDK logged, its first line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage().partition("\n")[0][:200].rstrip(". ")


def _metrics(tally: Tally, start_ns: int) -> list[Metric]:
    now_ns = unix_ns()
    known = (family for family in tally.families() if family.numbers or family.distributions)
    return [_metric(family, start_ns, now_ns) for family in known]


def _metric(family: Family, start_ns: int, now_ns: int) -> Metric:
    name, unit = f"{PREFIX}.{family.name}", family.unit
    if family.kind == "histogram":
        points = [
            _histogram_point(distribution, _attributes(family, labels), start_ns, now_ns)
            for labels, distribution in family.distributions.items()
        ]
        return Metric(name, family.told, unit, Histogram(points, CUMULATIVE))
    numbers = _number_points(family, start_ns, now_ns)
    data = Sum(numbers, CUMULATIVE, is_monotonic=True) if family.kind == "counter" else Gauge(numbers)
    return Metric(name, family.told, unit, data)


def _number_points(family: Family, start_ns: int, now_ns: int) -> list[NumberDataPoint]:
    return [
        NumberDataPoint(_attributes(family, labels), start_ns, now_ns, number)
        for labels, number in family.numbers.items()
    ]


def _histogram_point(
    distribution: Distribution, attributes: dict[str, str], start_ns: int, now_ns: int
) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=start_ns,
        time_unix_nano=now_ns,
        count=distribution.count,
        sum=distribution.total,
        bucket_counts=list(distribution.counts),
        explicit_bounds=distribution.bounds,
        min=distribution.least,  # type: ignore[arg-type]  # optional in the protocol
        max=distribution.greatest,  # type: ignore[arg-type]
    )


def _attributes(family: Family, labels: Labels) -> dict[str, str]:
    return dict(zip(family.label_names, labels, strict=True))
