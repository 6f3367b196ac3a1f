from types import SimpleNamespace

import numpy as np
import pytest

from rtbench.clock import NS_PER_MS
from rtbench.core.audio import PCM16, Audio
from rtbench.core.codec import G711_MU
from rtbench.core.playout import Player
from rtbench.core.rtp import Media
from rtbench.core.turns import Turn
from rtbench.engine.keepsakes import Keepsakes
from rtbench.engine.waveform import SlowestTurns

LENGTH_NS = 100 * NS_PER_MS
SOUND = Audio(np.full(2_400, 8_000, np.int16).tobytes())


def make_keepsakes(*, speaks_into_answers: bool = False, audio: bool = False, fmt=PCM16) -> Keepsakes:
    """Of a call whose first turn was answered 500 ms after it; the reply is `reply`, its turn `turn`."""
    plan = SimpleNamespace(
        scenario=SimpleNamespace(record=SimpleNamespace(audio=audio)), samples=lambda name, rate_hz: None
    )
    script = SimpleNamespace(
        speaks_into_answers=speaks_into_answers, session=SimpleNamespace(output_format=fmt)
    )
    turn = Turn(1, "question", response_id="resp_1", user_speech_end_ns=0)
    turn.audible_ns = 500 * NS_PER_MS
    conversation = SimpleNamespace(
        open_turn=SimpleNamespace(turn=turn), session=SimpleNamespace(turns=1, output_format=fmt)
    )
    kept = Keepsakes(plan, script, conversation, SlowestTurns())
    kept.turn = turn
    kept.reply = SimpleNamespace(
        response_id="resp_1", playback=Player(0).add("resp_1", LENGTH_NS, turn.audible_ns)
    )
    return kept


@pytest.mark.parametrize(
    ("settings", "recorded", "may_be_heard"),
    [
        ({}, False, False),
        ({"speaks_into_answers": True}, True, False),
        ({"audio": True}, True, True),
    ],
)
def test_minutes_are_held_only_where_voices_may_overlap_or_sound_may_be_kept(
    settings, recorded, may_be_heard
) -> None:
    kept = make_keepsakes(**settings)

    assert ((kept.recording is not None), (kept.sounds is not None)) == (recorded, may_be_heard)


def test_an_answer_that_was_heard_leaves_a_picture_and_its_sound() -> None:
    kept = make_keepsakes(audio=True)

    kept.keep(kept.reply, SOUND)

    picture = kept.waveform.take(kept.turn)
    assert max(picture()["peaks"]) > 0
    assert np.abs(kept.sounds.agent(kept.turn.audible_ns, kept.turn.audible_ns + LENGTH_NS)).max() == 8_000


def test_what_answers_another_turn_is_no_picture_of_this_one() -> None:
    kept = make_keepsakes(audio=True)
    kept.turn.response_id = "resp_2"

    kept.keep(kept.reply, SOUND)

    assert kept.waveform.take(kept.turn) is None


def test_packets_are_kept_as_the_audio_that_they_carry() -> None:
    kept = make_keepsakes(audio=True)

    kept.keep_packet(Media(G711_MU, None), kept.reply, b"\x80" * 160)

    assert kept.waveform.take(kept.turn) is not None
