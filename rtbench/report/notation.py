"""How values are written for people: the same in the page, in Markdown and on the terminal."""

from __future__ import annotations

import math

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import MIN_SAMPLES, Rate
from rtbench.analysis.thresholds import ThresholdResult

NONE = "–"


def number(value: float | None, unit: str = "") -> str:
    """A value with as many digits as are worth reading: 1,234 ms, 12.3 ms, 0.12 ms, 0.012 ms."""
    if value is None or math.isnan(value):
        return NONE
    size = abs(value)
    if 0 < size < 0.1:
        told = f"{value:.2g}" if size >= 0.0001 else f"{value:.1g}"
    else:
        digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2
        told = f"{value:,.{digits}f}"
    return f"{told} {unit}" if unit in ("ms", "s") else told


def money(usd: float | None) -> str:
    """An amount in US dollars, to the cent from one dollar on, else with two digits that count."""
    if usd is None:
        return "n/a: there is no price of the model"
    return f"{usd:,.2f} USD" if usd >= 1 or usd == 0 else f"{number(usd)} USD"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number of things: 1 turn, 1,200 turns; `plural` where it takes more than an s at the end."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def percent(share: float | None) -> str:
    """A share as a percentage with one digit."""
    return NONE if share is None else f"{share:.1%}"


def quantile(found: Quantile, metric: MetricSummary) -> str:
    """A percentile, `> 15,000` among turns that were never answered, or n/a with the n that there was."""
    if found.value is None:
        return f"n/a (n={found.n:,})"
    return _or_above(found.value, metric.known_up_to)


def interval(low: float | None, high: float | None) -> str:
    """The 95% interval in brackets, without an end for which there are too few sessions.

    An upper end among unanswered turns is told as such; there is no interval where the lower one is.
    """
    if (low is None and high is None) or (low is not None and math.isinf(low)):
        return ""
    upper = "unanswered" if high is not None and math.isinf(high) else number(high)
    return f"[{number(low)}, {upper}]"


def extreme(value: float | None, metric: MetricSummary) -> str:
    """A mean or an extreme, which is above all that is known where a turn was never answered."""
    return NONE if value is None else _or_above(value, metric.known_up_to)


def rate(found: Rate) -> str:
    """A rate in percent, or n/a with the n that there was."""
    if found.value is None:
        return f"n/a (n={found.n:,}, needs {MIN_SAMPLES})"
    return percent(found.value)


def rate_interval(found: Rate) -> str:
    """The 95% interval of a rate in brackets."""
    if found.low is None or found.high is None:
        return ""
    return f"[{percent(found.low)}, {percent(found.high)}]"


def short_rate(found: Rate) -> str:
    """A rate in percent where there is little room."""
    return NONE if found.value is None else percent(found.value)


def score(found: Rate) -> str:
    """A rate told from 0 to 100, or n/a with the n that there was."""
    return rate(found).removesuffix("%")


def score_interval(found: Rate) -> str:
    """The 95% interval of a score in brackets."""
    return rate_interval(found).replace("%", "")


def actual(result: ThresholdResult) -> str:
    """What a threshold's statistic came to, or why that cannot be told."""
    if result.actual is None:
        return f"n/a: {result.reason}"
    if result.threshold.statistic == "rate":
        return f"{result.actual:.4g}"
    return _or_above(result.actual, result.known_up_to or 0.0)


def _or_above(value: float, known_up_to: float) -> str:
    if not math.isinf(value):
        return number(value)
    return f"> {number(known_up_to)}" if known_up_to else "never answered"
