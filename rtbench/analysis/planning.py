"""Planning: sessions that a traffic needs, by Erlang's formulas, over regions and with headroom."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fractions import Fraction

from rtbench.analysis.capacity import CapacityResult
from rtbench.analysis.erlang import erlang_b, erlang_c, load_carried, places_needed
from rtbench.core.errors import UsageError
from rtbench.scenario.duration import Duration
from rtbench.scenario.fault import did_you_mean


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is to be planned for."""

    calls_per_hour: float
    """In the busy hour, over all regions."""

    mean_call: float
    """Seconds."""

    blocking: float = 0.01
    """The share of calls that may find no session free."""

    regions: int = 1
    """Each by itself carries its part, and none helps another."""

    headroom: float = 0.0
    """Sessions beyond those, as a share."""

    @property
    def erlangs(self) -> float:
        """Calls under way on average, over all regions."""
        return self.calls_per_hour * self.mean_call / 3600


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """The sessions for a traffic."""

    traffic: Traffic
    per_region: int
    """With headroom."""

    bare_per_region: int
    """Without headroom."""

    blocked: float
    """The share of calls that finds none free among the bare ones (Erlang B)."""

    waiting: float
    """The share that would have to wait, if calls waited instead (Erlang C)."""

    services: int | None = None
    """How many times what was measured that is per region; None where no capacity was measured and confirmed."""

    service_sessions: int | None = None
    """The measured one's concurrent calls."""

    carried_per_hour: float | None = None
    """Calls per hour that one measured service carries at this blocking."""

    @property
    def sentence(self) -> str:
        """The plan in words."""
        traffic = self.traffic
        each = f" in each of {traffic.regions} regions" if traffic.regions > 1 else ""
        spare = f", {traffic.headroom:.0%} of headroom included" if traffic.headroom else ""
        told = (
            f"{traffic.calls_per_hour:,.0f} calls an hour of {traffic.mean_call:,.0f} s are "
            f"{traffic.erlangs:,.1f} erlangs and need {self.per_region:,} sessions{each}{spare}: without headroom "
            f"{self.blocked:.2%} of calls find {self.bare_per_region:,} taken (Erlang B), or {self.waiting:.1%} "
            "wait (Erlang C)."
        )
        if self.services is None or self.carried_per_hour is None:
            return told
        return (
            f"{told} One of the measured service holds {self.service_sessions:,} and carries "
            f"{self.carried_per_hour:,.0f} of these calls an hour: {self.services:,} of it{each}."
        )


def plan_sessions(traffic: Traffic, measured: CapacityResult | None = None) -> SessionPlan:
    """The sessions for a traffic, and how many of a measured service that is, where its capacity was confirmed; an open
    load's capacity counts none."""
    load = traffic.erlangs / traffic.regions
    bare = places_needed(load, traffic.blocking)
    # As it was written: 1.1 as a float is a little more than 1.1, and would need one session more.
    sessions = math.ceil(bare * (1 + Fraction(str(traffic.headroom))))
    level = None
    if measured is not None and not measured.open_load and measured.found.confirmed:
        level = int(measured.found.level or 0) or None
    return SessionPlan(
        traffic=traffic,
        per_region=sessions,
        bare_per_region=bare,
        blocked=erlang_b(bare, load),
        waiting=erlang_c(bare, load),
        services=-(-sessions // level) if level else None,
        service_sessions=level,
        carried_per_hour=load_carried(level, traffic.blocking) * 3600 / traffic.mean_call if level else None,
    )


def parse_traffic(written: str) -> Traffic:
    """Read `calls_per_hour=1200,mean_call=180s,blocking=1%`. Raises UsageError."""
    known = [field.name for field in fields(Traffic)]
    values: dict[str, float] = {}
    for part in filter(None, (each.strip() for each in written.split(","))):
        key, _, text = (each.strip() for each in part.partition("="))
        if key not in known:
            raise UsageError(f"--plan: unknown key '{key}'{did_you_mean(key, known)}")
        if key in values:
            raise UsageError(f"--plan: {key} is given twice")
        values[key] = _value(key, text)
    if missing := [key for key in ("calls_per_hour", "mean_call") if key not in values]:
        raise UsageError(f"--plan: {missing[0]} is missing")
    if not 0 < values.get("blocking", 0.01) < 1:
        raise UsageError("--plan: blocking must lie between 0% and 100%")
    regions = values.pop("regions", 1.0)
    if regions != int(regions):
        raise UsageError("--plan: regions must be a whole number")
    return Traffic(regions=int(regions), **values)


def _value(key: str, text: str) -> float:
    try:
        if key == "mean_call":
            value = Duration.parse(text).s
        elif text.endswith("%"):
            value = float(text.removesuffix("%")) / 100
        else:
            value = float(text)
    except ValueError as error:
        why = str(error) if key == "mean_call" else f"must be a number, not '{text}'"
        raise UsageError(f"--plan: {key}: {why}") from None
    if not math.isfinite(value) or value < 0 or (value == 0 and key != "headroom"):
        raise UsageError(f"--plan: {key}: must be above 0, not '{text}'")
    return value
