"""Storms: many connections lost at one time, and how long it took until all who came back stood again.

A storm is known by its outages, whoever made it (the scenario's `storm`, a restart of the service): BURST_NS from its first
drop on, at least MIN_CALLERS callers and a SHARE of those who are in calls then lose their connections.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtbench.clock import NS_PER_MS, NS_PER_S

BURST_NS = NS_PER_S
"""Longer than it takes to break hundreds of connections, or to notice that they are; shorter than storms follow each other."""

MIN_CALLERS = 5
SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Storm:
    """One storm."""

    at_s: float
    """Its first drop, since the first call was due."""

    outages: int
    came_back: int
    """In writing too."""

    never_recovered: int
    """Outages in which the caller gave up."""

    cut_off: int
    """Outages that the end of the call or of the run cut off."""

    steady_state_ms: float | None
    """From the storm's first drop to the instant from which on all of its callers who ever came back stand again: the
    latest of their `restored_ns`. None where nobody came back."""


def find_storms(incidents: pd.DataFrame, sessions: pd.DataFrame) -> list[Storm]:
    """The storms of a run, in order. A rotation is no outage, nor is a first connection that was refused part of a storm."""
    if incidents.empty:
        return []
    drops = incidents[incidents["kind"].eq("drop") & incidents["dropped_ns"].notna()]
    drops = drops.sort_values("dropped_ns", kind="stable")
    at_ns = drops["dropped_ns"].to_numpy(np.int64)
    storms = []
    first = 0
    while first < len(drops):
        behind = int(np.searchsorted(at_ns, at_ns[first] + BURST_NS))
        burst = drops.iloc[first:behind]
        callers = burst["session"].nunique()
        if callers >= MIN_CALLERS and callers >= SHARE * _in_calls(sessions, int(at_ns[first])):
            storms.append(_storm(burst, int(at_ns[first]), sessions))
            first = behind
        else:
            first += 1
    return storms


def _in_calls(sessions: pd.DataFrame, now: int) -> int:
    begun, ended = sessions["planned_ns"].le(now), sessions["ended_ns"].le(now)
    return int((begun & ~ended).sum())


def _storm(outages: pd.DataFrame, first_ns: int, sessions: pd.DataFrame) -> Storm:
    ends = outages["outcome"].value_counts()
    back = outages[outages["outcome"].isin(("recovered", "fell_back")) & outages["restored_ns"].notna()]
    return Storm(
        at_s=(first_ns - int(sessions["planned_ns"].min())) / NS_PER_S,
        outages=len(outages),
        came_back=len(back),
        never_recovered=int(ends.get("gave_up", 0)),
        cut_off=int(ends.get("ended", 0)),
        steady_state_ms=(int(back["restored_ns"].max()) - first_ns) / NS_PER_MS if len(back) else None,
    )


def begun_tries_ns(incidents: pd.DataFrame) -> npt.NDArray[np.int64]:
    """When every attempt to connect in an outage began, in order; shape (n,). A rotation is no outage."""
    if incidents.empty:
        return np.empty(0, np.int64)
    written = incidents[incidents["kind"].ne("rotation")]["attempts"].dropna()
    begun = [one["begun_ns"] for attempts in written for one in json.loads(attempts or "[]")]
    return np.sort(np.array([at_ns for at_ns in begun if at_ns is not None], np.int64))


def most_tries_in_a_second(begun_ns: npt.NDArray[np.int64]) -> int:
    """The most of these instants, which are in order, that lie within any one second: the peak rate per second."""
    if not len(begun_ns):
        return 0
    behind = np.searchsorted(begun_ns, begun_ns + NS_PER_S)
    return int((behind - np.arange(len(begun_ns))).max())
