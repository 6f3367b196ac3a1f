"""`capacity.json`: an interface for programs.

Keys are only added under one `capacity_version`. Quantities that cannot be told are null; a wait that
never ended, too, and `above` then is the longest one known.

    capacity_version, scenario, target, transport
    unit           concurrent calls | calls per second
    slos           [text, as on the command line]
    capacity       {ending, level, margin, edges, confirmed, stopped_at}, see `analysis.capacity_search.Found`;
                   level is a capacity only where confirmed, else the least that is known to hold, or null
    cap            null, or the calls that an open load could have at a time
    first_to_break null, or {level, slo, actual}
    sentence
    steps          [{level, phase, judgement, started_unix_ns, seconds, concurrency, turns, turns_per_s,
                   goodput_per_s, slos: [{slo, status, n, actual, above}], voice_to_voice_ms: {p50, p95},
                   parts_ms: {part: ms}, errors: {class: n}, cost_usd_per_hour, verdict, findings: [message],
                   send_lateness_p99_ms, cpu_share_p95, reference: null or {n, median_ms}}]
    plan           null, or {calls_per_hour, mean_call_s, erlangs, blocking, regions, headroom,
                   sessions_per_region, bare_sessions_per_region, blocked, waiting, services_per_region,
                   sentence}
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rtbench.analysis.capacity import CapacityResult, ReferenceWait
from rtbench.analysis.capacity_step import StepResult
from rtbench.analysis.planning import SessionPlan
from rtbench.analysis.summary_json import finite

CAPACITY_VERSION = 1


def capacity_json(result: CapacityResult, plan: SessionPlan | None) -> dict[str, Any]:
    """The content of `capacity.json`; see the module for its keys."""
    first = result.first_to_break
    waits: list[ReferenceWait | None] = list(result.reference) or [None] * len(result.steps)
    return {
        "capacity_version": CAPACITY_VERSION,
        "scenario": result.scenario,
        "target": result.target,
        "transport": result.transport,
        "unit": result.unit,
        "slos": list(map(str, result.slos)),
        "capacity": asdict(result.found),
        "cap": result.cap,
        "first_to_break": None
        if first is None
        else {"level": first[0].level, "slo": str(first[1].threshold), "actual": finite(first[1].actual)},
        "sentence": result.sentence,
        "steps": [_step(step, wait) for step, wait in zip(result.steps, waits, strict=True)],
        "plan": None if plan is None else _plan(plan),
    }


def _step(step: StepResult, reference: ReferenceWait | None) -> dict[str, Any]:
    median, p95 = step.voice_to_voice_ms
    return {
        "level": step.level,
        "phase": step.phase,
        "judgement": step.judgement.value,
        "started_unix_ns": step.started_unix_ns,
        "seconds": step.seconds,
        "concurrency": step.concurrency,
        "turns": step.turns,
        "turns_per_s": step.turns_per_s,
        "goodput_per_s": step.goodput_per_s,
        "slos": [
            {
                "slo": str(slo.threshold),
                "status": slo.status,
                "n": slo.n,
                "actual": finite(slo.actual),
                "above": slo.known_up_to,
            }
            for slo in step.slos
        ],
        "voice_to_voice_ms": {"p50": finite(median), "p95": finite(p95)},
        "parts_ms": step.parts_ms,
        "errors": step.errors,
        "cost_usd_per_hour": step.cost_usd_per_hour,
        "verdict": step.verdict.level.value,
        "findings": [finding.message for finding in step.verdict.findings],
        "send_lateness_p99_ms": step.health.send_lateness_p99_ms,
        "cpu_share_p95": step.health.cpu_share_p95,
        "reference": None
        if reference is None
        else {"n": reference.n, "median_ms": finite(reference.median_ms)},
    }


def _plan(plan: SessionPlan) -> dict[str, Any]:
    traffic = plan.traffic
    return {
        "calls_per_hour": traffic.calls_per_hour,
        "mean_call_s": traffic.mean_call,
        "erlangs": traffic.erlangs,
        "blocking": traffic.blocking,
        "regions": traffic.regions,
        "headroom": traffic.headroom,
        "sessions_per_region": plan.per_region,
        "bare_sessions_per_region": plan.bare_per_region,
        "blocked": plan.blocked,
        "waiting": plan.waiting,
        "services_per_region": plan.services,
        "sentence": plan.sentence,
    }
