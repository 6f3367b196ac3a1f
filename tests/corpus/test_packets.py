"""Packets of clips: what they hold, and that they are made once."""

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.codec import CODECS, G711_A, G711_MU, OPUS
from rtbench.core.errors import UsageError
from rtbench.corpus.folder import Corpus
from rtbench.corpus.manifest import Role
from rtbench.corpus.packets import PacketCache, encode_packets
from rtbench.corpus.writer import NewClip, write_corpus

RATE_HZ = 24_000
G711 = [G711_MU, G711_A]
ALL = list(CODECS.values())


def tone(count: int, rate_hz: int = RATE_HZ, amplitude: float = 8_000.0) -> np.ndarray:
    return np.rint(amplitude * np.sin(2.0 * np.pi * 400.0 * np.arange(count) / rate_hz)).astype(np.int16)


def open_corpus(folder, *, with_room_tone: bool = True) -> Corpus:
    clips = [NewClip("yes", Role.YES_NO, "rms", "Yes.", "CC0-1.0", tone(2_500))]
    if with_room_tone:
        clips.append(NewClip("room", Role.SILENCE, "", "", "CC0-1.0", tone(2_500, amplitude=40.0)))
    write_corpus(folder, "small", "en", RATE_HZ, clips)
    return Corpus.open(folder)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return open_corpus(tmp_path)


@pytest.mark.parametrize("codec", ALL, ids=lambda codec: codec.name)
def test_a_clip_has_a_packet_for_every_20_ms_begun(corpus, codec) -> None:
    assert len(PacketCache(corpus).packets("yes", codec)) == 6  # 104.2 ms


@pytest.mark.parametrize("codec", G711, ids=lambda codec: codec.name)
def test_g711_packets_carry_the_sound_at_8_khz_and_end_in_silence(corpus, codec) -> None:
    packets = PacketCache(corpus).packets("yes", codec)

    assert {len(packet) for packet in packets} == {160}
    heard = pcm.decode(b"".join(packets), codec.fmt).astype(np.float64)
    wanted = tone(833, 8_000).astype(np.float64)
    error = heard[80:720] - wanted[80:720]
    assert 10 * np.log10(np.mean(wanted[80:720] ** 2) / np.mean(error**2)) > 30.0
    assert b"".join(packets)[834:] == pcm.silence(codec.fmt, 960 - 834)


@pytest.mark.parametrize("codec", G711, ids=lambda codec: codec.name)
def test_a_gain_changes_the_level_by_so_many_decibels(corpus, codec) -> None:
    cache = PacketCache(corpus)
    plain, soft = (
        pcm.level_dbfs(pcm.decode(b"".join(cache.packets("yes", codec, gain_db=gain)), codec.fmt))
        for gain in (0.0, -12.0)
    )

    assert soft == pytest.approx(plain - 12.0, abs=0.1)


def test_a_gain_changes_what_opus_carries(corpus) -> None:
    cache = PacketCache(corpus)

    assert cache.packets("yes", OPUS, gain_db=-12.0) != cache.packets("yes", OPUS)


@pytest.mark.parametrize("codec", ALL, ids=lambda codec: codec.name)
def test_packets_are_made_once_and_shared(corpus, codec) -> None:
    cache = PacketCache(corpus)

    assert cache.packets("yes", codec) is cache.packets("yes", codec)
    assert cache.packets("yes", codec, gain_db=-6.0) is cache.packets("yes", codec, gain_db=-6.0)
    assert cache.silence(codec) is cache.silence(codec)


def test_silence_is_the_room_tone_in_whole_packets(corpus) -> None:
    packets = PacketCache(corpus).silence(G711_MU)

    assert len(packets) == 5
    heard = pcm.decode(b"".join(packets), G711_MU.fmt)
    assert pcm.level_dbfs(heard) == pytest.approx(pcm.level_dbfs(tone(2_400, amplitude=40.0)), abs=1.0)


@pytest.mark.parametrize("codec", G711, ids=lambda codec: codec.name)
def test_silence_is_digital_where_the_corpus_has_no_room_tone(tmp_path, codec) -> None:
    cache = PacketCache(open_corpus(tmp_path, with_room_tone=False))

    assert cache.silence(codec) == (pcm.silence(codec.fmt, 160),)


def test_digital_silence_in_opus_is_one_packet(tmp_path) -> None:
    cache = PacketCache(open_corpus(tmp_path, with_room_tone=False))

    assert len(cache.silence(OPUS)) == 1


def test_an_unknown_clip_is_a_usage_error(corpus) -> None:
    with pytest.raises(UsageError, match="has no clip 'yess'; did you mean 'yes'"):
        PacketCache(corpus).packets("yess", OPUS)


def test_any_sound_can_be_put_into_packets() -> None:
    packets = encode_packets(tone(16_000, 16_000), 16_000, G711_A)

    assert len(packets) == 50
    heard = pcm.decode(b"".join(packets), G711_A.fmt)
    assert pcm.level_dbfs(heard) == pytest.approx(pcm.level_dbfs(tone(8_000)), abs=0.2)
