"""How many callers there were."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rtbench.analysis import health
from rtbench.report.figures.canvas import BLUE, SKY, VERMILLION, new_axes
from rtbench.results.reader import Run

TITLE = "Concurrent sessions"
CAPTION = (
    "Sessions alive over all engines. Crosses mark sessions that could not be set up or whose connection "
    "went away, at the moment they ended: many at one height hint at a limit of the service."
)
POINTS = 4000


def draw(run: Run) -> Figure | None:
    alive = health.concurrency(run.generator) if not run.generator.empty else _from_sessions(run.sessions)
    if alive.empty:
        return None
    start = alive.index[0]
    alive = alive.iloc[:: max(1, len(alive) // POINTS)]
    seconds = (alive.index.to_numpy() - start) / 1e9
    figure, axes = new_axes(height_in=2.9)
    axes.fill_between(seconds, alive, step="post", color=SKY, alpha=0.4, linewidth=0)
    axes.step(seconds, alive, where="post", color=BLUE)
    lost = run.sessions[run.sessions["outcome"].isin(["failed", "dropped"])]
    if not lost.empty:
        at = (_end_unix_ns(lost) - start) / 1e9
        axes.plot(
            at,
            np.interp(at, seconds, alive),
            "x",
            color=VERMILLION,
            markersize=7 if len(at) < 200 else 3,
            label="failed or dropped",
        )
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    axes.set(xlabel="time (s)", ylabel="sessions", ylim=(0, float(alive.max()) * 1.08 + 0.5))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _from_sessions(sessions: pd.DataFrame) -> pd.Series:
    """Sessions alive by wall time, from their own rows: those open when a run was killed have none."""
    if sessions.empty:
        return pd.Series(dtype=float)
    starts, ends = sessions["at_unix_ns"].to_numpy(np.int64), _end_unix_ns(sessions)
    steps = pd.Series(
        np.r_[np.ones(len(starts)), -np.ones(len(ends))], index=np.r_[starts, ends].astype(np.int64)
    ).sort_index()
    return steps.groupby(level=0).sum().cumsum()


def _end_unix_ns(sessions: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lasted_ns = (sessions["ended_ns"] - sessions["planned_ns"]).to_numpy(np.int64)
    return np.asarray(sessions["at_unix_ns"].to_numpy(np.int64) + lasted_ns)
