"""The report as Markdown: what a pull request or a job's summary page shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.summary import Summary
from rtbench.report import cost, notation, sound
from rtbench.report.calibration import told_error_bar
from rtbench.report.network import network_facts
from rtbench.report.reliability import STORM_HEAD, reliability_counts, storm_rows

METRIC_HEAD = ("metric", "of", "n", "p50", "p95", "p99", "95% interval of p95")


def render_markdown(summary: Summary, compared: str = "") -> str:
    """The content of `summary.md`: verdict, sentence, thresholds, headline figures, rates, errors.

    `compared`: a comparison with a baseline, as Markdown of its own.
    """
    blocks = [
        f"# {summary.verdict.level}: {summary.run['name']}",
        summary.sentence,
        *([f"Error bar of waits: {told_error_bar(summary.error_bar)}."] if summary.error_bar else []),
        *_findings(summary),
        *_thresholds(summary),
        *([compared] if compared else []),
        *_metrics(summary),
        *_rates(summary),
        *_turn_taking(summary),
        *_reliability(summary),
        *_network(summary),
        *_sound(summary),
        *_cost(summary),
        *_errors(summary),
    ]
    return "\n\n".join(blocks) + "\n"


def _reliability(summary: Summary) -> Iterator[str]:
    found = summary.reliability
    if found is None:
        return
    yield "## Reliability"
    outages = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in found.incidents.items())
    yield " ".join([f"Outages: {outages or 'none'}.", *_sentence(reliability_counts(found))])
    if found.storms:
        yield table(STORM_HEAD, storm_rows(found))
    if found.imbalances:
        yield f"**Sums that do not agree**: {'; '.join(found.imbalances)}."
    if found.injected:
        yield table(
            ["broken on purpose", "by", "injected", "found", "seen as"],
            [
                [
                    f"{each.kind} {each.setting}".strip(),
                    each.side,
                    f"{each.injected:,}",
                    f"{each.found:,}",
                    f"`{each.seen_as}`" if each.seen_as else notation.NONE,
                ]
                for each in found.injected
            ],
        )


def _sentence(parts: Sequence[str]) -> Iterator[str]:
    if parts:
        yield f"{'; '.join(parts)}."


def _network(summary: Summary) -> Iterator[str]:
    if summary.network is not None:
        yield "## Network"
        of_what = "of calls over WebRTC" if summary.network.calls else "of the simulated network"
        yield table([of_what, ""], [list(fact) for fact in network_facts(summary.network)])


def _sound(summary: Summary) -> Iterator[str]:
    if summary.sound is not None:
        yield "## Sound of the answers"
        facts = sound.sound_facts(summary.sound, summary.network)
        yield table(["of recorded answers", ""], [list(fact) for fact in facts])
        yield sound.NOTE


def _cost(summary: Summary) -> Iterator[str]:
    if summary.cost is not None:
        yield "## Cost"
        yield table(["at published prices", ""], [list(fact) for fact in cost.cost_facts(summary.cost)])
        yield cost.NOTE


def _findings(summary: Summary) -> Iterator[str]:
    if summary.verdict.findings:
        yield "\n".join(
            f"- **{finding.level}** {finding.message} {finding.advice}"
            for finding in summary.verdict.findings
        )


def _thresholds(summary: Summary) -> Iterator[str]:
    if not summary.thresholds:
        return
    yield "## Thresholds"
    rows = [
        [
            f"`{result.threshold.selector}` {result.threshold.statistic}",
            result.threshold.bound,
            notation.actual(result),
            f"{result.n:,}",
            result.status.replace("_", " "),
        ]
        for result in summary.thresholds
    ]
    yield table(["threshold", "limit", "actual", "n", "result"], rows)


def _metrics(summary: Summary) -> Iterator[str]:
    yield "## Metrics"
    rows = [_metric_row(metric) for metric in summary.metrics if metric.n]
    yield table(METRIC_HEAD, rows)


def _metric_row(metric: MetricSummary) -> list[str]:
    percentiles = [notation.quantile(found, metric) for found in (metric.p50, metric.p95, metric.p99)]
    return [
        f"`{metric.name}`",
        metric.group.replace("_", " "),
        f"{metric.n:,}",
        *percentiles,
        notation.interval(metric.p95.low, metric.p95.high),
    ]


def _rates(summary: Summary) -> Iterator[str]:
    yield "## Rates"
    rows = [
        [
            f"`{rate.name}`",
            rate.group.replace("_", " "),
            f"{rate.rate.n:,}",
            notation.rate(rate.rate),
            notation.rate_interval(rate.rate),
        ]
        for rate in summary.rates
        if rate.rate.n
    ]
    yield table(["rate", "of", "n", "value", "95% interval"], rows)


def _turn_taking(summary: Summary) -> Iterator[str]:
    found = summary.turn_taking
    if found is None:
        return
    yield "## Turn-taking"
    told = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in found.stimuli.items())
    yield f"Stimuli: {told or 'none'}; {found.void:,} void."
    rates = {f"`{each.name}`": each.rate for each in found.rates}
    for kind, rate in found.false_interruptions.items():
        rates[f"`false_interruption_rate` of {kind.replace('_', ' ')}"] = rate
    rows = [
        [name, f"{rate.n:,}", notation.rate(rate), notation.rate_interval(rate)]
        for name, rate in rates.items()
        if rate.n
    ]
    flow = found.flow
    score = [notation.score(flow.rate), notation.score_interval(flow.rate)]
    rows.append(["`conversation_flow` (0 to 100)", f"{flow.rate.n:,}", *score])
    yield table(["rate", "n", "value", "95% interval"], rows)
    parts = [[part.name, f"{part.right:,}", f"{part.eligible:,}"] for part in flow.parts]
    yield table(["part of the flow", "handled right", "of"], parts)
    yield table(METRIC_HEAD, [_metric_row(metric) for metric in found.metrics if metric.n])


def _errors(summary: Summary) -> Iterator[str]:
    errors = summary.errors
    if not errors.classes:
        return
    yield "## Errors"
    rows = [
        [
            _cell(name),
            *(f"{counts.get(name, 0):,}" for counts in (errors.reported, errors.turns, errors.sessions)),
        ]
        for name in errors.classes
    ]
    yield table(["class", "met in a session", "ended a turn", "ended a session"], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a cell with a bar in it is escaped by its maker."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
