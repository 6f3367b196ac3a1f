"""The report as one page that needs nothing else: styles, figures and data are all in it."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from rtbench.analysis.compare import Comparison
from rtbench.analysis.measurement_error import MeasurementError
from rtbench.analysis.quantiles import MIN_SESSIONS
from rtbench.analysis.summary import Summary
from rtbench.report import cost, notation, sound
from rtbench.report.calibration import told_error_bar
from rtbench.report.figures import interruption_timeline, turn_timeline
from rtbench.report.glossary import glossary
from rtbench.report.network import network_facts
from rtbench.report.reliability import STORM_HEAD, STORM_NOTE, reliability_counts, storm_rows
from rtbench.report.worst import Worst
from rtbench.results.reader import Run

GROUPS = {"without_tool": "Turns", "with_tool": "Turns with a tool call", "sessions": "Sessions"}


PHASES = {
    "handshake": "connecting",
    "setup": "the session was set up",
    "idle": "nobody spoke",
    "speaking": "the caller spoke",
    "waiting": "an answer was due",
    "answering": "the agent answered",
}
"""What was going on when an error was met, in words."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page."""

    name: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure in large type, and what is to be known of it."""

    label: str
    value: str
    note: str


def render_page(
    run: Run,
    summary: Summary,
    pictures: list[Picture],
    turn_taking_pictures: list[Picture],
    worst: Worst,
    comparison: Comparison | None = None,
    network_pictures: Sequence[Picture] = (),
    reliability_pictures: Sequence[Picture] = (),
) -> str:
    """The content of `report.html`; `comparison` with a baseline, whose page lies beside it."""
    return render(
        "report.html.j2",
        summary=summary,
        notation=notation,
        groups=GROUPS,
        subtitle=_subtitle(summary.run),
        tiles=_tiles(summary),
        metrics={group: [m for m in summary.metrics if m.group == group and m.n] for group in GROUPS},
        pictures=pictures,
        turn_taking_pictures=turn_taking_pictures,
        network_pictures=network_pictures,
        reliability=summary.reliability,
        reliability_pictures=reliability_pictures,
        reliability_counts=reliability_counts(summary.reliability) if summary.reliability else [],
        storm_head=STORM_HEAD,
        storm_rows=storm_rows(summary.reliability) if summary.reliability else [],
        storm_note=STORM_NOTE,
        phases=PHASES,
        network=dict(network_facts(summary.network)) if summary.network else {},
        cost=dict(cost.cost_facts(summary.cost)) if summary.cost else {},
        cost_note=cost.NOTE,
        sound=dict(sound.sound_facts(summary.sound, summary.network)) if summary.sound else {},
        sound_note=sound.NOTE,
        worst=worst,
        comparison=comparison,
        timeline_caption=turn_timeline.CAPTION,
        interruption_caption=interruption_timeline.CAPTION,
        health=dict(_health(summary)),
        min_sessions=MIN_SESSIONS,
        measurement_errors=dict(_measurement_errors(summary)),
        environment=dict(_environment(run.provenance)),
        scenarios=run.provenance.get("scenarios", []),
        glossary=glossary(),
    )


def render(template: str, **values: Any) -> str:
    """A page from one of the templates; what a value holds is text, never markup."""
    environment = Environment(
        loader=PackageLoader("rtbench.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["breakable"] = _breakable
    environment.filters["with_code"] = _with_code
    return environment.get_template(template).render(**values)


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _breakable(name: str) -> Markup:
    """A metric's name, which may be broken after its underscores where the page is narrow."""
    return Markup("_<wbr>").join(name.split("_"))


def _with_code(text: str) -> Markup:
    """A text whose names stand between backticks, with those names set as code."""
    return Markup(_NAMED.sub(r"<code>\1</code>", str(escape(text))))


_NAMED = re.compile(r"`([^`]+)`")


def _subtitle(run: dict[str, Any]) -> str:
    parts = [
        ", ".join(run["scenarios"]),
        f"against {run['target']}" if run["target"] else "",
        run["transport"] or "",
    ]
    if run["started_at"]:
        started = datetime.fromisoformat(run["started_at"])
        parts.append(f"{started:%d %B %Y, %H:%M}".lstrip("0"))
        if run["ended_at"]:
            seconds = (datetime.fromisoformat(run["ended_at"]) - started).total_seconds()
            parts.append(f"{seconds:,.0f} s")
    return " · ".join(part for part in parts if part)


def _tiles(summary: Summary) -> Iterator[Tile]:
    headline = summary.headline
    for label, found in (
        ("Median wait", headline.p50),
        ("95th percentile", headline.p95),
        ("99th percentile", headline.p99),
    ):
        if found.value is None:
            yield Tile(label, "n/a", f"n = {found.n:,}, needs {found.needed:,}")
        else:
            yield Tile(
                label, f"{notation.quantile(found, headline)} ms", notation.interval(found.low, found.high)
            )
    answered = next(rate for rate in summary.rates if rate.name == "response_rate")
    n = answered.rate.n
    yield Tile("Turns answered", notation.percent(answered.rate.value), f"of {n:,}")
    sessions = sum(summary.session_outcomes.values())
    yield Tile("Sessions", f"{sessions:,}", f"at most {summary.health.sessions_max:,} at a time")


def _health(summary: Summary) -> Iterator[tuple[str, str]]:
    health, emulator = summary.health, summary.emulator
    yield "Error bar of waits", told_error_bar(summary.error_bar)
    yield "Engines", f"{health.engines:,}"
    yield "Frames sent", f"{health.frames_sent:,}"
    yield "Send lateness, median", notation.number(health.send_lateness_p50_ms, "ms")
    yield "Send lateness, p99", notation.number(health.send_lateness_p99_ms, "ms")
    yield "Send lateness, worst", notation.number(health.send_lateness_max_ms, "ms")
    yield "CPU of the busiest engine, p95", notation.percent(health.cpu_share_p95)
    yield "CPU per session-second", notation.number(health.cpu_ms_per_session_second, "ms")
    yield "Longest hold-up of an event loop", notation.number(health.loop_lag_max_ms, "ms")
    yield "Longest garbage collection", notation.number(health.gc_pause_max_ms, "ms")
    yield (
        "Longest wait of an engine for a processor, in one second",
        notation.number(health.waited_max_ms, "ms"),
    )
    yield "Processor time given to other machines, in one second", notation.number(health.stolen_max_ms, "ms")
    if health.rss_bytes_max is not None:
        yield "Memory of the largest engine", f"{health.rss_bytes_max / 1e6:,.0f} MB"
    if emulator is not None:
        yield "CPU of the emulator, p95", notation.percent(emulator.cpu_share)
        yield "Hold-up of the emulator's event loop, p95", notation.number(emulator.loop_lag_ms, "ms")


def _measurement_errors(summary: Summary) -> Iterator[tuple[str, MeasurementError]]:
    if summary.measurement_error is not None:
        yield "voice_to_voice_ms", summary.measurement_error
    if summary.turn_taking is not None:
        yield from summary.turn_taking.measurement_errors.items()


def _environment(provenance: dict[str, Any]) -> Iterator[tuple[str, str]]:
    host = provenance.get("host") or {}
    if host:
        yield "Machine", f"{host['cpu']}, {host['cores']} cores, {host['memory_bytes'] / 2**30:,.0f} GiB"
        yield "System", f"{host['kernel']}, {host['machine']}"
    versions = provenance.get("versions") or {}
    yield "Versions", ", ".join(f"{name} {version}" for name, version in versions.items()) or notation.NONE
    corpus = provenance.get("corpus") or {}
    yield "Corpus", f"{corpus.get('name', notation.NONE)} (sha256 {str(corpus.get('sha256'))[:12]})"
    for scenario in provenance.get("scenarios", []):
        yield f"Scenario {scenario['name']}", f"{scenario['path']} (sha256 {scenario['sha256'][:12]})"
    yield "Seed", str(provenance.get("seed", notation.NONE))
    yield "Metric version", str(provenance.get("metric_version", notation.NONE))
    yield "Command", shlex.join(provenance.get("command") or []) or notation.NONE
