"""Recorded answers scored by the real model, and which of a recording is scored at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rtbench.core.errors import UsageError
from rtbench.corpus.audio_file import resample
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.report import plc_mos
from rtbench.report.plc_mos import RATE_HZ, answer_alone, check_installed, score_recordings
from rtbench.results import schema
from rtbench.results.reader import read_run
from rtbench.results.run_directory import RunDirectory
from rtbench.results.writer import RowWriter

TWO_S = np.round(8_000 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)).astype(np.int16)
SILENCE = np.zeros(16_000, np.int16)


@pytest.fixture
def real_model() -> None:
    pytest.importorskip("speechmos", reason="the extra `mos` is not installed")
    pytest.importorskip("onnxruntime", reason="the extra `mos` is not installed")


@pytest.fixture
def speech() -> list[np.ndarray]:
    """Three utterances of the shipped corpus at 16 kHz."""
    corpus = Corpus.open(find_corpus("english"))
    names = ("cancel_question", "closing_question", "delivery_question")
    return [resample(corpus.samples(name) / 32_768, corpus.rate_hz, RATE_HZ) for name in names]


def lossy(samples: np.ndarray, share: float) -> np.ndarray:
    """With this share of its packets of 20 ms lost, and nothing in their place."""
    random = np.random.default_rng(7)
    heard = samples.copy()
    for start in range(0, len(heard), 320):
        if random.random() < share:
            heard[start : start + 320] = 0
    return heard


def written(path: Path, *rows: tuple[str, int, int, np.ndarray]) -> RunDirectory:
    """A run with these recordings: session, turn, stimulus, the agent's track at 16 kHz."""
    path.joinpath("run.json").write_text("{}")
    table = RowWriter(path, "recordings", schema.RECORDINGS)
    for session, turn, stimulus, track in rows:
        keys = {"session": session, "turn": turn, "stimulus": stimulus, "rate_hz": 16_000, "start_ns": 0}
        table.append({**keys, "caller": b"", "agent": track.tobytes()})
    table.close()
    return RunDirectory(path)


@pytest.mark.usefixtures("real_model")
def test_speech_with_a_tenth_of_its_packets_lost_scores_lower(speech) -> None:
    for samples in speech:
        clean, damaged = plc_mos.plc_mos(samples), plc_mos.plc_mos(lossy(samples, 0.1))
        assert 3.0 < clean <= 5.0
        assert 1.0 <= damaged < clean - 0.3


@pytest.mark.usefixtures("real_model")
def test_a_score_is_repeatable_and_draws_nothing_from_anybody_elses_generator(speech) -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    first = plc_mos.plc_mos(speech[0])
    assert np.random.random() == expected
    assert plc_mos.plc_mos(speech[0]) == first


def test_silence_around_an_answer_is_no_part_of_it() -> None:
    track = np.concatenate((SILENCE, TWO_S, SILENCE))
    answer = answer_alone(track, 16_000)
    margin = 1_600
    assert np.array_equal(answer, track[16_000 - margin : 48_000 + margin])
    assert not answer_alone(SILENCE, 16_000).size


def test_every_recorded_answer_is_scored_once_and_a_snatch_of_one_is_not(tmp_path: Path) -> None:
    directory = written(
        tmp_path,
        ("s1", 1, 0, np.concatenate((SILENCE, TWO_S))),
        ("s1", 1, 2, TWO_S),
        ("s2", 4, 0, TWO_S[:8_000]),
        ("s3", 2, 0, SILENCE),
    )
    heard: list[tuple[int, float]] = []

    def score(samples: np.ndarray) -> float:
        heard.append((len(samples), float(np.abs(samples).max())))
        return 3.25

    assert score_recordings(directory, score) == 1
    assert heard == [(1_600 + 32_000, pytest.approx(8_000 / 32_768, abs=1e-3))]
    assert pq.read_table(directory.plc_mos).to_pylist() == [
        {"session": "s1", "turn": 1, "heard_ms": 2_100.0, "plc_mos": 3.25}
    ]
    assert read_run(tmp_path).plc_mos["plc_mos"].tolist() == [3.25]


def test_a_run_without_recordings_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no answer was recorded; .*record: \{audio: true\}"):
        score_recordings(written(tmp_path), lambda samples: 1.0)
    assert read_run(tmp_path).plc_mos.empty


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plc_mos, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"pip install 'rtbench\[mos\]'$"):
        check_installed()


@pytest.mark.parametrize(
    ("said", "told"), [("no such node\nat line 3", "no such node"), ("", "RuntimeError")]
)
def test_a_model_that_fails_is_told_in_one_sentence(tmp_path: Path, said: str, told: str) -> None:
    def score(samples: np.ndarray) -> float:
        raise RuntimeError(said)

    directory = written(tmp_path, ("s1", 1, 0, TWO_S))
    with pytest.raises(UsageError, match=rf"^--mos: an answer cannot be scored \({told}\)\.$"):
        score_recordings(directory, score)
    assert not directory.plc_mos.exists()


def test_recordings_that_cannot_be_read_are_told_in_one_sentence(tmp_path: Path) -> None:
    directory = written(tmp_path, ("s1", 1, 0, TWO_S))
    for path in tmp_path.rglob("*.parquet"):
        path.write_bytes(b"no table")
    with pytest.raises(UsageError, match=r"recordings.* cannot be read \(.+\)\.$"):
        score_recordings(directory, lambda samples: 1.0)
