from __future__ import annotations

import shutil

import pytest

from rtbench.core.audio import AUDIO_FORMATS
from rtbench.core.errors import UsageError
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.corpus.manifest import Role, write_manifest
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile

ENGLISH = find_corpus("english")


def test_the_agent_says_the_corpus_s_replies_in_every_format():
    voice = load_service(ENGLISH, Profile()).voice
    assert {reply.name for reply in voice.replies} == set(Corpus.open(ENGLISH).names(Role.REPLY))
    for reply in voice.replies:
        for fmt in AUDIO_FORMATS.values():
            audio_ms = sum(chunk.duration_ns for chunk in voice.chunks(reply, fmt)) / 1e6
            assert audio_ms == pytest.approx(len(reply.samples[24_000]) / 24, abs=0.2)
            assert voice.audible_offset_ms(reply, fmt, 0) == pytest.approx(100, abs=25)


def test_a_profile_may_name_what_is_said():
    profile = Profile(replies=("reply_yes", "hours_question"))
    assert [reply.name for reply in load_service(ENGLISH, profile).voice.replies] == [
        "reply_yes",
        "hours_question",
    ]


def test_a_reply_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'reply_yes'"):
        load_service(ENGLISH, Profile(replies=("reply_yess",)))


def test_a_corpus_without_replies_cannot_answer(tmp_path):
    corpus = Corpus.open(ENGLISH)
    shutil.copytree(ENGLISH, tmp_path / "mute")
    clips = tuple(clip for clip in corpus.manifest.clips if clip.role != Role.REPLY)
    write_manifest(tmp_path / "mute", corpus.manifest.model_copy(update={"clips": clips}))
    with pytest.raises(UsageError, match="no clip of role 'reply'"):
        load_service(tmp_path / "mute", Profile())
