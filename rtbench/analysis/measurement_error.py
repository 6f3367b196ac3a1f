"""The measurement error of a run: how far a metric lies from the emulator's own account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rtbench.analysis.quantiles import rank_of


@dataclass(frozen=True, slots=True)
class MeasurementError:
    """Measured minus true, over n values."""

    n: int
    mean_ms: float
    p50_ms: float
    p99_abs_ms: float
    """Of the error's size; the largest one where n is below a hundred."""

    max_abs_ms: float


def measurement_error(errors_ms: pd.Series) -> MeasurementError | None:
    """The error over all rows (without void ones) that have a truth; None where there is none.

    errors_ms: measured minus true of each row, NaN without a truth.
    """
    errors = errors_ms.dropna().to_numpy(dtype=np.float64)
    n = len(errors)
    if n == 0:
        return None
    size = np.sort(np.abs(errors))
    return MeasurementError(
        n=n,
        mean_ms=float(errors.mean()),
        p50_ms=float(np.sort(errors)[rank_of(0.5, n)]),
        p99_abs_ms=float(size[rank_of(0.99, n)]),
        max_abs_ms=float(size[-1]),
    )
