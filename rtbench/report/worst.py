"""The folder of the worst turns and interruptions: a picture, the stamped events and, where kept, the sound of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rtbench.core.errors import UsageError
from rtbench.core.metrics.metric import NS_PER_MS
from rtbench.core.script import Clip
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.report.figures import interruption_timeline, turn_timeline
from rtbench.report.figures.canvas import keep, style
from rtbench.report.figures.lanes import Envelope
from rtbench.report.recording import FULL_SCALE, WINDOW_MS, Recording, find_recording, peaks
from rtbench.results.reader import Run, read_recordings, read_trace

BEFORE_NS, AFTER_NS = 1_000 * NS_PER_MS, 500 * NS_PER_MS
"""Events from so long before something began to so long after it was closed belong to its account."""

STALE = ("*.png", "*.events.jsonl", "*.wav")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One of the worst turns or interruptions, as the page shows it."""

    name: str
    """The common stem of its files in `worst/`."""

    row: dict[Any, Any]
    """Its row of turns or of stimuli."""

    svg: str
    has_events: bool
    has_recording: bool = False


@dataclass(frozen=True, slots=True)
class Worst:
    """The exhibits of a run, worst first."""

    turns: list[Exhibit]
    stimuli: list[Exhibit]


def write_worst(run: Run, turns: pd.DataFrame, stimuli: pd.DataFrame) -> Worst:
    """Write a PNG, the events and the recording of each of these rows, worst first.

    Files are `worst/<n>-<session>-turn<k>.*` and `worst/interruption-<n>-<session>-stimulus<k>.*`. Those of
    an earlier report of the same run are removed.
    """
    folder = run.directory.worst
    folder.mkdir(exist_ok=True)
    for stale in (path for pattern in STALE for path in folder.glob(pattern)):
        stale.unlink()
    gallery = _Gallery(run, sorted({*turns["session"], *stimuli["session"]}))
    return Worst(
        [gallery.show_turn(place, row) for place, row in enumerate(turns.to_dict("records"), start=1)],
        [gallery.show_stimulus(place, row) for place, row in enumerate(stimuli.to_dict("records"), start=1)],
    )


class _Gallery:
    """What the exhibits of a run are made from."""

    def __init__(self, run: Run, sessions: list[str]) -> None:
        self._run = run
        self._folder: Path = run.directory.worst
        self._corpus = _open_corpus(run.provenance.get("corpus") or {})
        self._trace = read_trace(run.directory, sessions)
        self._recordings = read_recordings(run.directory, sessions)

    def show_turn(self, place: int, turn: dict[Any, Any]) -> Exhibit:
        recording = find_recording(self._recordings, turn["session"], turn["number"], stimulus=0)
        caller = self._caller(turn["clip"], lambda clip: turn["user_speech_end_ns"] - clip.speech_end_ns)
        agent = self._agent(turn["session"], turn["number"])
        with style():
            figure = turn_timeline.draw(turn, *_voices(recording, caller, agent))
            span_ns = turn["user_speech_start_ns"], turn["closed_ns"]
            name = f"{place}-{turn['session']}-turn{turn['number']}"
            return self._keep(name, turn, figure, span_ns, recording)

    def show_stimulus(self, place: int, stimulus: dict[Any, Any]) -> Exhibit:
        recording = find_recording(
            self._recordings, stimulus["session"], stimulus["turn"], stimulus=stimulus["number"]
        )
        caller = self._caller(stimulus["clip"], lambda clip: stimulus["onset_ns"] - clip.speech_start_ns)
        agent = self._agent(stimulus["session"], stimulus["turn"])
        with style():
            figure = interruption_timeline.draw(stimulus, *_voices(recording, caller, agent))
            span_ns = stimulus["onset_ns"], max(stimulus["closed_ns"], stimulus["end_ns"])
            name = f"interruption-{place}-{stimulus['session']}-stimulus{stimulus['number']}"
            return self._keep(name, stimulus, figure, span_ns, recording)

    def _keep(
        self,
        name: str,
        row: dict[Any, Any],
        figure: Figure,
        span_ns: tuple[int, int],
        recording: Recording | None,
    ) -> Exhibit:
        svg = keep(figure, self._folder / f"{name}.png")
        start_ns, end_ns = span_ns
        trace = self._trace
        events = trace[
            (trace["session"] == row["session"])
            & trace["at_ns"].between(start_ns - BEFORE_NS, end_ns + AFTER_NS)
        ]
        if not events.empty:
            events.to_json(self._folder / f"{name}.events.jsonl", orient="records", lines=True)
        if recording is not None:
            recording.write_wav(self._folder / f"{name}.wav")
        return Exhibit(name, row, svg, not events.empty, recording is not None)

    def _caller(self, clip_name: str, start_ns: Callable[[Clip], int]) -> Envelope | None:
        """The clip's envelope, laid where its labels say that it was played."""
        if self._corpus is None:
            return None
        try:
            clip, samples = self._corpus.clip(clip_name), self._corpus.samples(clip_name)
        except UsageError:
            return None
        return Envelope(int(start_ns(clip)), WINDOW_MS, peaks(samples, self._corpus.rate_hz))

    def _agent(self, session: str, turn: int) -> Envelope | None:
        waveforms = self._run.waveforms
        kept = waveforms[(waveforms["session"] == session) & (waveforms["turn"] == turn)]
        if kept.empty:
            return None
        row = kept.iloc[-1]
        heights = np.abs(np.asarray(row["peaks"], dtype=np.float64)) / FULL_SCALE
        return Envelope(int(row["start_ns"]), float(row["window_ms"]), heights)


def _voices(
    recording: Recording | None, caller: Envelope | None, agent: Envelope | None
) -> tuple[Envelope | None, Envelope | None]:
    """What was recorded goes before what was put together from the corpus and the kept envelopes."""
    if recording is None:
        return caller, agent
    return recording.caller_envelope(), recording.agent_envelope()


def _open_corpus(source: Mapping[str, Any]) -> Corpus | None:
    """The corpus of the run, where this machine has it."""
    for place in (source.get("path"), source.get("name")):
        try:
            if place:
                return Corpus.open(find_corpus(str(place)))
        except UsageError:
            continue
    return None
