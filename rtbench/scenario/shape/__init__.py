"""Load shapes: how many callers there are at a time (`closed`), or when each call comes (`open`).

A new one is a class in its family's module, and a field of `choice.Shape`.
"""

from rtbench.scenario.shape.choice import AnyShape, Shape
from rtbench.scenario.shape.closed import Closed, ClosedShape, Ramp, Soak, Spike, Steps
from rtbench.scenario.shape.open import Open, OpenShape, Replay, arrivals_s
from rtbench.scenario.shape.written import parse_shape

__all__ = [
    "AnyShape",
    "Closed",
    "ClosedShape",
    "Open",
    "OpenShape",
    "Ramp",
    "Replay",
    "Shape",
    "Soak",
    "Spike",
    "Steps",
    "arrivals_s",
    "parse_shape",
]
