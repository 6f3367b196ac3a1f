"""What the agent took for the caller, and should not have."""

from __future__ import annotations

from matplotlib.figure import Figure

from rtbench.analysis.samples import Rows
from rtbench.analysis.turn_taking import false_interruptions
from rtbench.report.figures.canvas import ORANGE
from rtbench.report.figures.share_bars import draw_shares
from rtbench.results.reader import Run

TITLE = "False interruptions by stimulus"
CAPTION = (
    "The share of sounds, by kind, that stopped the agent within 1 s or drew an answer within 2 s although they were "
    "not meant to. Short is good; whiskers are 95% intervals. A long bar at noise and clicks asks for a higher threshold of "
    "the turn detection, one at backchannels for a detection that knows what words mean."
)


def draw(run: Run) -> Figure | None:
    rates = false_interruptions(Rows.of(run))
    if not rates:
        return None
    named = {kind.replace("_", " "): rate for kind, rate in rates.items()}
    return draw_shares(named, ORANGE, "false interruptions (% of sounds)")
