"""How well turns changed hands: the parts of `conversation_flow`."""

from __future__ import annotations

from matplotlib.figure import Figure

from rtbench.analysis.outcomes import flow_parts
from rtbench.analysis.rates import rate
from rtbench.analysis.samples import Rows
from rtbench.report.figures.canvas import BLUE
from rtbench.report.figures.share_bars import draw_shares
from rtbench.results.reader import Run

TITLE = "Conversation flow by its parts"
CAPTION = (
    "Of each kind of turn-taking event, the share that the agent handled right; whiskers are 95% intervals. The score is the "
    "share over all events together, so a part with many events weighs more: read the shortest bar first."
)


def draw(run: Run) -> Figure | None:
    if run.stimuli.empty:
        return None
    rows = Rows.of(run)
    parts = flow_parts(rows.valid_turns, rows.valid_stimuli)
    rates = {name: rate(part["outcome"].to_numpy(), part["session"]) for name, part in parts.items()}
    there = {name: found for name, found in rates.items() if found.n}
    return draw_shares(there, BLUE, "handled right (% of events)") if there else None
