"""PLCMOS: how the recorded answers sounded, judged from their audio alone by a model that was trained on listeners.

PLCMOS v2 (Diener et al. 2023) scores speech at 16 kHz from 1 to 5 and needs no reference. The model comes
with the package `speechmos`, an optional extra; nothing is loaded where no score is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rtbench.core import pcm
from rtbench.core.audibility import AUDIBLE_DBFS
from rtbench.core.errors import UsageError
from rtbench.core.pcm import FULL_SCALE, Samples
from rtbench.corpus.audio_file import FloatSamples, resample
from rtbench.results import schema
from rtbench.results.reader import read_recordings
from rtbench.results.run_directory import RunDirectory

PACKAGES = ("onnxruntime", "speechmos.plcmos")
RATE_HZ = 16_000
WINDOW_MS = 10
MARGIN_MS = 100
"""Kept around the first and the last sound: weak beginnings and endings of speech lie below the threshold."""

SHORTEST_MS = 1_000
"""Of an answer, to be scored; the model was trained on utterances of several seconds."""

SEED = 1
"""The model averages over raters that it draws; the same ones for every answer make scores repeatable."""

Score: TypeAlias = Callable[[FloatSamples], float]


def check_installed() -> None:
    """Raises UsageError where the optional extra is missing, or is there and cannot be loaded."""
    if any(find_spec(package.partition(".")[0]) is None for package in PACKAGES):
        raise UsageError("--mos needs an optional extra: pip install 'rtbench[mos]'")
    for package in PACKAGES:
        try:
            import_module(package)
        except Exception as error:  # of whatever its libraries are missing
            raise UsageError(
                f"--mos: the package {package} cannot be loaded ({_first_line(error)})."
            ) from error


def plc_mos(samples: FloatSamples) -> float:
    """The score of speech at RATE_HZ, full scale 1.0; the global generator of numpy is left as it was."""
    from speechmos import plcmos

    state = np.random.get_state()
    np.random.seed(SEED)
    try:
        return float(plcmos.run(np.clip(samples, -1.0, 1.0).astype(np.float32), RATE_HZ)["plcmos"])
    finally:
        np.random.set_state(state)


def answer_alone(track: Samples, rate_hz: int) -> Samples:
    """What lies between the first and the last sound of a track; nothing where it is silent."""
    window = rate_hz * WINDOW_MS // 1000
    loud = np.flatnonzero(pcm.window_levels(track, window, window) > pcm.amplitude(AUDIBLE_DBFS))
    if not loud.size:
        return pcm.EMPTY
    margin = rate_hz * MARGIN_MS // 1000
    start, end = int(loud[0]) * window, (int(loud[-1]) + 1) * window
    return track[max(0, start - margin) : end + margin]


def score_recordings(directory: RunDirectory, score: Score = plc_mos) -> int:
    """Score every answer of a run that was recorded, as it was heard, and keep the scores beside the run's tables.

    Returns how many were scored. Raises UsageError where the run holds no recording, or where one cannot be read or scored.
    """
    try:
        recordings = read_recordings(directory, None)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"{directory.path}: the recordings cannot be read ({_first_line(error)})."
        ) from error
    of_turns = recordings[recordings["stimulus"] == 0]
    if of_turns.empty:
        raise UsageError(
            f"{directory.path}: no answer was recorded; PLCMOS needs a scenario with `record: {{audio: true}}`."
        )
    rows = []
    for recording in of_turns.to_dict("records"):
        rate_hz = int(recording["rate_hz"])
        answer = answer_alone(np.frombuffer(recording["agent"], "<i2"), rate_hz)
        heard_ms = len(answer) * 1000 / rate_hz
        if heard_ms >= SHORTEST_MS:
            samples = resample(answer.astype(np.float64) / FULL_SCALE, rate_hz, RATE_HZ)
            keys = {"session": recording["session"], "turn": recording["turn"]}
            rows.append({**keys, "heard_ms": heard_ms, "plc_mos": _scored(score, samples)})
    draft = directory.plc_mos.with_suffix(".part")
    try:
        pq.write_table(pa.Table.from_pylist(rows, schema.PLC_MOS), draft)
        draft.replace(directory.plc_mos)
    except OSError as error:
        raise UsageError(f"{directory.plc_mos}: cannot be written ({error.strerror or error}).") from error
    return len(rows)


def _scored(score: Score, samples: FloatSamples) -> float:
    try:
        return score(samples)
    except Exception as error:  # whatever the model and its runtime raise: a report matters more
        raise UsageError(f"--mos: an answer cannot be scored ({_first_line(error)}).") from error


def _first_line(error: Exception) -> str:
    """What an error says in one line; its kind where it says nothing."""
    return (str(error).splitlines() or [""])[0].rstrip(". ") or type(error).__name__
