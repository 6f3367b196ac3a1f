import pytest

from rtbench.core.agent_voice import Ear, Reply, SpokenItem
from rtbench.core.jitter_buffer import JitterBuffer
from rtbench.core.packet_listener import PacketListener

MS = 1_000_000
DEPTH_NS = 40 * MS
TICKS = 160


class Ears:
    """A reply whose packets are listened to; each arrives on time, by its number."""

    def __init__(self, speaker, *, closely: bool = True) -> None:
        self.speaker = speaker
        self.playback = JitterBuffer(DEPTH_NS).begin("r", 0)
        self.reply = Reply("r", self.playback, items=[SpokenItem("i", 0)])
        self.listener = PacketListener(Ear(8_000, closely=closely), speaker.media, self.reply)

    def take(self, number: int, payload: bytes | None = None, *, silent: bool = False) -> None:
        payload = self.speaker.packet(silent=silent).payload if payload is None else payload
        now = 20 * number * MS
        self.playback.place(now, 20 * MS, DEPTH_NS, now)
        self.listener.take(number * TICKS, payload, now)

    @property
    def sounds(self) -> list[tuple[float, float]]:
        return [(start / MS, end / MS) for start, end in self.reply.sounds]


@pytest.fixture
def ears(speaker) -> Ears:
    return Ears(speaker)


def test_packets_in_order_are_decoded_as_they_come(ears, speaker) -> None:
    for number in range(5):
        ears.take(number)
        assert speaker.decoded == number + 1
    ears.listener.finish()

    assert ears.sounds == [(0, pytest.approx(100, abs=1))]
    assert len(speaker.decoders) == 1


def test_one_that_was_overtaken_is_waited_for_and_decoded_in_its_place(ears, speaker) -> None:
    ears.take(0)
    ears.take(2)
    assert speaker.decoded == 1
    ears.listener.take(1 * TICKS, speaker.packet().payload, 41 * MS)

    assert speaker.decoded == 3


def test_a_hole_is_bridged_when_its_time_has_come(ears, speaker) -> None:
    for number in (0, 1, 2, 4):
        ears.take(number)
    assert speaker.decoded == 3  # number 3 is to be played at 100 ms
    ears.take(5)
    assert speaker.decoded == 5
    ears.listener.finish()

    assert ears.sounds == [(0, pytest.approx(120, abs=1))]


def test_a_long_hole_is_silent_after_60_ms(ears) -> None:
    for number in (*range(5), *range(15, 20)):
        ears.take(number)
    ears.listener.finish()

    assert ears.sounds == [
        (0, pytest.approx(160, abs=9)),
        (pytest.approx(300, abs=9), pytest.approx(400, abs=1)),
    ]


def test_what_comes_after_it_was_made_up_is_not_listened_to(ears, speaker) -> None:
    for number in (0, 2, 3, 4):
        ears.take(number)
    decoded = speaker.decoded
    ears.listener.take(1 * TICKS, speaker.packet().payload, 90 * MS)

    assert speaker.decoded == decoded


def test_at_the_end_nothing_is_waited_for(ears, speaker) -> None:
    ears.take(0)
    ears.take(2)
    ears.listener.finish()

    assert speaker.decoded == 2


def test_a_packet_of_another_kind_is_as_good_as_lost(ears, speaker, monkeypatch) -> None:
    ears.take(0)

    def refuse(payload: bytes) -> None:
        raise ValueError

    monkeypatch.setattr(speaker.decoders[0], "decode", refuse)
    ears.take(1)
    ears.take(2)
    ears.listener.finish()

    assert ears.sounds == [(0, pytest.approx(60, abs=1))]


def test_behind_the_first_sound_nothing_more_is_decoded(speaker) -> None:
    ears = Ears(speaker, closely=False)
    for number in range(2):
        ears.take(number, silent=True)
    for number in range(2, 50):
        ears.take(number)

    assert ears.reply.items[0].first_sound_ns == pytest.approx(40 * MS, abs=9 * MS)
    assert speaker.decoded <= 7
