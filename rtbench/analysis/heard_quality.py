"""How recorded answers sounded: their scores by PLCMOS, summed up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rtbench.analysis.quantiles import Quantile, quantiles

METHOD = "PLCMOS v2"


@dataclass(frozen=True, slots=True)
class HeardQuality:
    """Scores from 1 to 5 of the answers of a run that were recorded, which are those of its slowest turns."""

    answers: int
    sessions: int
    heard_s: float
    """Of sound that was scored."""

    median: Quantile
    mean: float
    lowest: float


def summarise_heard(scores: pd.DataFrame) -> HeardQuality | None:
    """Sum up the rows of `results.schema.PLC_MOS`; None where there are none."""
    if scores.empty:
        return None
    values = scores["plc_mos"].to_numpy(np.float64)
    (median,) = quantiles(values, scores["session"], (0.5,))
    return HeardQuality(
        answers=len(values),
        sessions=scores["session"].nunique(),
        heard_s=float(scores["heard_ms"].sum()) / 1000,
        median=median,
        mean=float(values.mean()),
        lowest=float(values.min()),
    )
