"""The folder of the worst turns: a picture and the stamped events of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rtbench.core.errors import UsageError
from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.report.figures import turn_timeline
from rtbench.report.figures.canvas import keep, style
from rtbench.report.figures.turn_timeline import Envelope
from rtbench.results.reader import Run, read_trace

WINDOW_MS = 10.0
FULL_SCALE = 32_768.0
BEFORE_NS, AFTER_NS = 1_000 * NS_PER_MS, 500 * NS_PER_MS
"""Events from so long before the user spoke to so long after the turn was closed belong to its account."""


@dataclass(frozen=True, slots=True)
class WorstTurn:
    """One of the worst turns, as the page shows it."""

    name: str
    """The common stem of its files in `worst/`."""

    turn: dict[Any, Any]
    """Its row."""

    svg: str
    has_events: bool


def write_worst(run: Run, worst: pd.DataFrame) -> list[WorstTurn]:
    """Write `worst/<n>-<session>-turn<k>.png` and `.events.jsonl` for each row, worst first.

    Files of an earlier report of the same run are removed.
    """
    folder = run.directory.worst
    folder.mkdir(exist_ok=True)
    for stale in (*folder.glob("*.png"), *folder.glob("*.events.jsonl")):
        stale.unlink()
    corpus = _open_corpus(run.provenance.get("corpus") or {})
    trace = read_trace(run.directory, worst["session"].tolist())
    written = []
    for place, turn in enumerate(worst.to_dict("records"), start=1):
        name = f"{place}-{turn['session']}-turn{turn['number']}"
        with style():
            figure = turn_timeline.draw(turn, _caller(corpus, turn), _agent(run.waveforms, turn))
            svg = keep(figure, folder / f"{name}.png")
        events = _events(trace, turn)
        if not events.empty:
            events.to_json(folder / f"{name}.events.jsonl", orient="records", lines=True)
        written.append(WorstTurn(name, turn, svg, not events.empty))
    return written


def _events(trace: pd.DataFrame, turn: Mapping[Any, Any]) -> pd.DataFrame:
    start_ns, end_ns = turn["user_speech_start_ns"] - BEFORE_NS, turn["closed_ns"] + AFTER_NS
    wanted: pd.Series[bool] = (trace["session"] == turn["session"]) & trace["at_ns"].between(start_ns, end_ns)
    return trace[wanted]


def _open_corpus(source: Mapping[str, Any]) -> Corpus | None:
    """The corpus of the run, where this machine has it."""
    for place in (source.get("path"), source.get("name")):
        try:
            if place:
                return Corpus.open(find_corpus(str(place)))
        except UsageError:
            continue
    return None


def _caller(corpus: Corpus | None, turn: Mapping[Any, Any]) -> Envelope | None:
    """The clip's envelope, laid where it was played."""
    if corpus is None:
        return None
    try:
        clip, samples = corpus.clip(turn["clip"]), corpus.samples(turn["clip"])
    except UsageError:
        return None
    window = round(corpus.rate_hz * WINDOW_MS / 1000)
    whole = samples[: len(samples) // window * window].reshape(-1, window)
    peaks = np.abs(whole.astype(np.float64)).max(axis=1) / FULL_SCALE
    return Envelope(int(turn["user_speech_end_ns"]) - clip.speech_end_ns, WINDOW_MS, peaks)


def _agent(waveforms: pd.DataFrame, turn: Mapping[Any, Any]) -> Envelope | None:
    kept = waveforms[(waveforms["session"] == turn["session"]) & (waveforms["turn"] == turn["number"])]
    if kept.empty:
        return None
    row = kept.iloc[-1]
    peaks = np.abs(np.asarray(row["peaks"], dtype=np.float64)) / FULL_SCALE
    return Envelope(int(row["start_ns"]), float(row["window_ms"]), peaks)
