import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from rtbench.report.worst import write_worst
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory

RATE_HZ = 24_000


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    """The run with a folder of its own to write to, and the trace and the recordings of the original."""
    (tmp_path / "trace").symlink_to(run.directory.trace)
    (tmp_path / "recordings.parquet").symlink_to(run.directory.recordings)
    return dataclasses.replace(run, directory=RunDirectory(tmp_path))


@pytest.fixture
def nothing(run: Run) -> pd.DataFrame:
    """No stimuli."""
    return run.stimuli.head(0)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    samples = np.full(RATE_HZ, 8_000, dtype=np.int16)
    soundfile.write(folder / "a.flac", samples, RATE_HZ)
    clip = {
        "name": "hours_question", "file": "a.flac", "text": "", "voice": "x", "role": "question", "samples": RATE_HZ,
        "speech": {"start": 0, "end": RATE_HZ}, "licence": "CC0", "sha256": "0" * 64,
    }  # fmt: skip
    manifest = {"name": "t", "language": "en", "rate_hz": RATE_HZ, "labelled_by": "hand", "clips": [clip]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_each_turn_gets_a_picture_and_the_events_around_it(copy: Run, nothing: pd.DataFrame) -> None:
    turn = copy.turns[copy.turns["voice_to_voice_ms"].notna()].head(1)
    (written,) = write_worst(copy, turn, nothing).turns
    row = turn.iloc[0]
    assert written.name == f"1-{row['session']}-turn{row['number']}"
    assert (copy.directory.worst / f"{written.name}.png").is_file()
    lines = (copy.directory.worst / f"{written.name}.events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert {event["session"] for event in events} == {row["session"]}
    assert all(event["at_ns"] <= row["closed_ns"] + 10**9 for event in events)
    assert "response.created" in {event["type"] for event in events}


def test_a_turn_without_events_says_so(copy: Run, nothing: pd.DataFrame) -> None:
    turn = copy.turns[copy.turns["outcome"] == "no_answer"].head(1).assign(session="nobody")
    (written,) = write_worst(copy, turn, nothing).turns
    assert not written.has_events
    assert not list(copy.directory.worst.glob("*.jsonl"))


def test_the_callers_waveform_is_drawn_from_the_corpus_where_it_is_there(
    copy: Run, corpus: Path, nothing: pd.DataFrame
) -> None:
    turn = copy.turns[(copy.turns["clip"] == "hours_question")].head(1)
    provenance = {**copy.provenance, "corpus": {"name": "t", "path": str(corpus)}}
    (drawn,) = write_worst(dataclasses.replace(copy, provenance=provenance), turn, nothing).turns
    (block,) = write_worst(dataclasses.replace(copy, provenance={}), turn, nothing).turns
    assert drawn.svg != block.svg


@pytest.mark.parametrize("harm", ["the manifest is gone", "the clip is gone"])
def test_a_corpus_that_is_no_longer_whole_does_not_stop_the_report(
    copy: Run, corpus: Path, nothing: pd.DataFrame, harm: str
) -> None:
    (corpus / ("manifest.json" if harm == "the manifest is gone" else "a.flac")).unlink()
    provenance = {**copy.provenance, "corpus": {"name": "no-such-corpus", "path": str(corpus)}}
    turn = copy.turns[(copy.turns["clip"] == "hours_question")].head(1)
    assert len(write_worst(dataclasses.replace(copy, provenance=provenance), turn, nothing).turns) == 1


def test_pictures_of_an_earlier_report_are_removed(copy: Run, nothing: pd.DataFrame) -> None:
    copy.directory.worst.mkdir()
    stale = [copy.directory.worst / f"9-s9-turn9.{kind}" for kind in ("png", "wav", "events.jsonl")]
    for path in stale:
        path.touch()
    write_worst(copy, copy.turns.head(0), nothing)
    assert not any(path.exists() for path in stale)


def test_an_interruption_that_was_recorded_has_its_sound_beside_its_picture(copy: Run) -> None:
    missed = copy.stimuli[copy.stimuli["yielded"] == 0.0].head(1)
    (shown,) = write_worst(copy, copy.turns.head(0), missed).stimuli
    row = missed.iloc[0]
    assert shown.name == f"interruption-1-{row['session']}-stimulus{row['number']}"
    assert shown.has_recording and shown.has_events
    assert (copy.directory.worst / f"{shown.name}.png").is_file()
    samples, rate_hz = soundfile.read(copy.directory.worst / f"{shown.name}.wav")
    silent_s = (row["silent_ns"] - row["onset_ns"]) / 1e9 + 1.0
    last_sound_s = np.flatnonzero(samples[:, 1])[-1] / rate_hz
    assert last_sound_s == pytest.approx(min(silent_s, 6.0), abs=0.02)


def test_an_interruption_that_was_not_recorded_is_drawn_from_what_there_is(copy: Run) -> None:
    stopped = copy.stimuli[copy.stimuli["yielded"] == 1.0].head(1)
    (shown,) = write_worst(copy, copy.turns.head(0), stopped).stimuli
    assert not shown.has_recording
    assert not list(copy.directory.worst.glob("*.wav"))
