"""Finding a corpus, and using its clips by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.corpus.folder import SHIPPED_CORPORA, Corpus, find_corpus
from rtbench.corpus.manifest import Role, write_manifest
from rtbench.corpus.writer import NewClip, write_corpus

RATE_HZ = 24_000


def make_corpus(folder: Path) -> Path:
    samples: Samples = np.full(2_400, 3_000, np.int16)
    roles = {"hours": Role.QUESTION, "refund": Role.QUESTION, "yes": Role.YES_NO}
    clips = [NewClip(name, role, "rms", "words", "CC0-1.0", samples) for name, role in roles.items()]
    write_corpus(folder, folder.name, "en", RATE_HZ, clips)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus.open(make_corpus(tmp_path / "small"))


def test_a_path_beside_the_scenario_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("scenarios/small", "small", "corpora/small"):
        make_corpus(tmp_path / folder)
    assert find_corpus("small", near=tmp_path / "scenarios").samefile(tmp_path / "scenarios/small")
    assert find_corpus("small").samefile(tmp_path / "small")


def test_a_name_is_looked_up_in_the_current_folders_corpora(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path / "corpora/small")
    assert find_corpus("small", near=tmp_path).samefile(tmp_path / "corpora/small")


def test_the_shipped_corpus_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_corpus("english").samefile(SHIPPED_CORPORA / "english")


def test_an_unknown_corpus_is_told_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="corpus 'englsh' was not found; did you mean 'english'"):
        find_corpus("englsh")


def test_a_folder_without_manifest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match=r"mine is not a corpus: it has no manifest\.json"):
        find_corpus("mine")


def test_names_are_sorted_and_chosen_by_role(corpus: Corpus) -> None:
    assert corpus.names() == ("hours", "refund", "yes")
    assert corpus.names(Role.QUESTION) == ("hours", "refund")
    assert corpus.names(Role.REPLY) == ()


def test_a_clip_has_its_labels_and_its_samples(corpus: Corpus) -> None:
    assert corpus.clip("yes").duration_ns == 100_000_000
    assert corpus.entry("yes").role is Role.YES_NO
    assert corpus.samples("yes").tolist() == [3_000] * 2_400


def test_samples_are_read_once_and_cannot_be_written_to(corpus: Corpus) -> None:
    assert corpus.samples("yes") is corpus.samples("yes")
    with pytest.raises(ValueError, match="read-only"):
        corpus.samples("yes")[0] = 1


def test_an_unknown_clip_is_told_with_the_nearest_name(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="corpus 'small' has no clip 'refunt'; did you mean 'refund'"):
        corpus.clip("refunt")
    with pytest.raises(UsageError, match="has no clip 'zzz'; there is hours, refund, yes"):
        corpus.samples("zzz")


def test_loading_tells_a_missing_file_before_anything_is_started(corpus: Corpus) -> None:
    (corpus.folder / "clips/refund.flac").unlink()
    corpus.load(["hours", "yes"])
    with pytest.raises(UsageError, match=r"clips/refund\.flac: audio file is missing"):
        corpus.load(["hours", "refund"])


def test_a_clip_of_another_rate_is_refused(corpus: Corpus) -> None:
    soundfile.write(corpus.folder / "clips/hours.flac", np.zeros(2_400), 16_000)
    with pytest.raises(UsageError, match=r"clips/hours\.flac: sample rate is 16000 Hz"):
        corpus.samples("hours")


def test_a_clip_of_another_length_than_labelled_is_refused(corpus: Corpus) -> None:
    soundfile.write(corpus.folder / "clips/hours.flac", np.zeros(2_000), RATE_HZ)
    with pytest.raises(UsageError, match=r"clips/hours\.flac: has 2000 samples, the manifest says 2400"):
        corpus.samples("hours")


def test_the_digest_changes_with_a_label(corpus: Corpus) -> None:
    first, *others = corpus.manifest.clips
    changed = corpus.manifest.model_copy(
        update={"clips": (first.model_copy(update={"text": "other"}), *others)}
    )
    before = corpus.sha256
    assert Corpus.open(corpus.folder).sha256 == before
    write_manifest(corpus.folder, changed)
    assert Corpus.open(corpus.folder).sha256 != before
