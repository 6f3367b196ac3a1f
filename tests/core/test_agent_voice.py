import pytest

from rtbench.core.agent_voice import AgentVoice, Stretch
from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.core.response_events import AudioDelta

MS = 1_000_000


@pytest.fixture
def voice() -> AgentVoice:
    """Listens to all."""
    return AgentVoice(PCM16, prebuffer_ns=0, listens_closely=True)


def ms(stretches: list[Stretch]) -> list[tuple[float, float]]:
    return [(start_ns / MS, end_ns / MS) for start_ns, end_ns in stretches]


def test_a_reply_begins_with_its_first_whole_sample(voice, agent) -> None:
    assert voice.receive(agent.audio(0), 5) is None
    odd = AudioDelta(response_id="r1", item_id="i1", output_index=0, content_index=0, delta=Audio(b"\1"))
    assert voice.receive(odd, 5) is None
    assert (voice.replies, voice.reply("r1"), voice.playing(5)) == ([], None, None)
    reply = voice.receive(agent.audio(100), 7)
    assert voice.reply("r1") is reply is voice.replies[0]
    assert (reply.response_id, reply.playback.received_ns, reply.is_over) == ("r1", 100 * MS, False)


def test_a_payload_that_is_no_base64_was_not_received(voice, agent) -> None:
    broken = AudioDelta(
        response_id="r1", item_id="i1", output_index=0, content_index=0, delta=Audio(base64="!" * 64)
    )
    with pytest.raises(ValueError):
        voice.receive(broken, 0)
    assert voice.replies == []
    assert voice.receive(agent.audio(100), 0).playback.received_ns == 100 * MS


def test_the_first_sound_of_each_item_is_found_by_its_media_position(voice, agent) -> None:
    voice.receive(agent.audio(200), 0)
    voice.receive(agent.audio(300, silent=True), 0)
    voice.receive(agent.audio(150, item_id="i2", silent=True), 0)
    voice.receive(agent.audio(200, item_id="i2"), 0)
    items = voice.reply("r1").items
    assert [(item.item_id, item.media_ns / MS) for item in items] == [("i1", 0), ("i2", 500)]
    assert items[0].first_sound_ns == 0
    assert items[1].first_sound_ns == (650 - 9) * MS  # the first window with a millisecond of it


def test_without_need_nothing_is_decoded_behind_the_first_sound(agent) -> None:
    voice = AgentVoice(PCM16, prebuffer_ns=0, listens_closely=False)
    voice.receive(agent.audio(100), 0)
    broken = AudioDelta(
        response_id="r1", item_id="i1", output_index=0, content_index=0, delta=Audio(base64="!" * 6_400)
    )
    assert voice.receive(broken, 0).playback.received_ns == 200 * MS
    assert voice.reply("r1").sounds == []
    assert voice.audible_pieces(0, 1_000 * MS) == []


def test_a_reply_that_begins_while_the_caller_speaks_is_listened_to_all_through(agent) -> None:
    voice = AgentVoice(PCM16, prebuffer_ns=0, listens_closely=False)
    voice.caller_until_ns = 500 * MS
    voice.receive(agent.audio(100, "r1"), 499 * MS)
    voice.receive(agent.audio(200, "r1"), 550 * MS)
    voice.end("r1", 560 * MS)
    voice.receive(agent.audio(100, "r2"), 800 * MS)
    voice.end("r2", 800 * MS)
    assert ms(voice.audible_pieces(0, 2_000 * MS)) == [(499, 799)]


def test_sound_is_heard_piece_by_piece_around_silence_and_underruns(voice, agent) -> None:
    voice.receive(agent.audio(100), 1_000 * MS)
    voice.receive(agent.audio(300, silent=True), 1_000 * MS)
    voice.receive(agent.audio(200), 1_000 * MS)
    voice.receive(agent.audio(100), 1_900 * MS)  # the player ran dry at 1600
    assert ms(voice.reply("r1").audible_pieces()) == [(1_000, 1_109), (1_391, 1_600), (1_900, 2_000)]
    voice.end("r1", 1_900 * MS)
    assert ms(voice.reply("r1").audible_pieces()) == [(1_000, 1_109), (1_391, 1_600), (1_900, 2_000)]
    assert ms(voice.reply("r1").audible_pieces(from_media_ns=500 * MS)) == [(1_500, 1_600), (1_900, 2_000)]
    assert ms(voice.audible_pieces(1_050 * MS, 1_500 * MS)) == [(1_050, 1_109), (1_391, 1_500)]


def test_what_was_flushed_is_in_no_piece(voice, agent) -> None:
    voice.receive(agent.audio(1_000), 0)
    voice.flush(300 * MS)
    voice.receive(agent.audio(500), 350 * MS)
    assert ms(voice.reply("r1").audible_pieces()) == [(0, 300)]
    assert voice.reply("r1").playback.received_ns == 1_500 * MS


def test_the_item_being_heard_is_the_last_that_has_begun(voice, agent) -> None:
    voice.receive(agent.audio(200, item_id="i1"), 1_000 * MS)
    voice.receive(agent.audio(200, item_id="i2"), 1_000 * MS)
    reply = voice.reply("r1")
    heard = {at: reply.item_heard(at * MS).item_id for at in (1_000, 1_199, 1_200, 1_300, 9_000)}
    assert heard == {1_000: "i1", 1_199: "i1", 1_200: "i2", 1_300: "i2", 9_000: "i2"}


# Playing.


def test_a_reply_is_playing_until_its_last_sample_has_left(voice, agent) -> None:
    reply = voice.receive(agent.audio(500), 1_000 * MS)
    voice.end("r1", 1_000 * MS)
    assert (voice.playing(1_499 * MS), voice.playing(1_500 * MS)) == (reply, None)
    assert (reply.is_silent(1_499 * MS), reply.is_silent(1_500 * MS)) == (False, True)


def test_a_player_that_ran_dry_in_the_middle_of_a_reply_is_still_in_it(voice, agent) -> None:
    reply = voice.receive(agent.audio(100), 1_000 * MS)
    assert voice.playing(1_400 * MS) is reply
    assert not reply.is_silent(1_400 * MS)
    voice.flush(1_400 * MS)
    assert voice.playing(1_400 * MS) is None
    voice.receive(agent.audio(100), 1_500 * MS)
    assert ms(reply.audible_pieces()) == [(1_000, 1_100)]


def test_a_reply_that_is_heard_comes_before_one_that_stalled(voice, agent) -> None:
    voice.receive(agent.audio(100, "r1"), 1_000 * MS)
    second = voice.receive(agent.audio(300, "r2"), 2_000 * MS)
    assert voice.playing(2_200 * MS) is second
    assert voice.playing(2_300 * MS) is second


def test_audio_held_back_for_the_prebuffer_is_about_to_be_heard(agent) -> None:
    voice = AgentVoice(PCM16, prebuffer_ns=300 * MS, listens_closely=True)
    reply = voice.receive(agent.audio(100), 0)
    assert voice.playing(50 * MS) is reply
    assert reply.item_heard(50 * MS).item_id == "i1"
    voice.end("r1", 80 * MS)
    assert ms(reply.audible_pieces()) == [(80, 180)]


def test_a_flushed_reply_is_silent_from_the_flush_on_and_not_before(voice, agent) -> None:
    reply = voice.receive(agent.audio(500), 1_000 * MS)
    voice.flush(1_200 * MS)
    assert (reply.is_silent(1_199 * MS), reply.is_silent(1_200 * MS)) == (False, True)


def test_the_agent_is_quiet_when_all_has_been_heard_and_unknown_while_more_is_to_come(voice, agent) -> None:
    assert voice.quiet_ns(70) == 70
    voice.receive(agent.audio(500), 1_000 * MS)
    assert voice.quiet_ns(1_100 * MS) is None
    voice.end("r1", 1_100 * MS)
    assert voice.quiet_ns(1_100 * MS) == 1_500 * MS
    assert voice.quiet_ns(1_600 * MS) == 1_600 * MS


def test_of_a_flushed_reply_nothing_more_is_waited_for(voice, agent) -> None:
    voice.receive(agent.audio(500), 1_000 * MS)
    voice.flush(1_200 * MS)
    assert voice.quiet_ns(1_200 * MS) == 1_200 * MS


# Late audio, and forgetting.


@pytest.mark.parametrize("prebuffer_ms", [0, 400])
def test_audio_behind_the_end_of_its_response_plays_and_nothing_is_waited_for_after_it(
    agent, prebuffer_ms
) -> None:
    voice = AgentVoice(PCM16, prebuffer_ms * MS, listens_closely=True)
    voice.receive(agent.audio(300), 1_000 * MS)
    voice.end("r1", 1_100 * MS)
    voice.receive(agent.audio(100), 1_800 * MS)
    assert voice.quiet_ns(1_800 * MS) == 1_900 * MS
    assert voice.playing(1_850 * MS) is voice.reply("r1")
    assert voice.playing(1_900 * MS) is None
    start_ms = 1_100 if prebuffer_ms else 1_000
    assert ms(voice.reply("r1").audible_pieces()) == [(start_ms, start_ms + 300), (1_800, 1_900)]


def test_a_response_of_which_all_audio_came_too_late_is_over_from_its_first_sample_on(voice, agent) -> None:
    voice.end("r1", 1_000 * MS)
    reply = voice.receive(agent.audio(200), 1_200 * MS)
    assert reply.is_over
    assert voice.quiet_ns(1_300 * MS) == 1_400 * MS
    voice.forget_all_but(set(), 1_400 * MS)
    assert voice.replies == []


def test_replies_are_forgotten_once_they_are_over_silent_and_not_needed(voice, agent) -> None:
    for number in range(1, 5):
        voice.receive(agent.audio(100, f"r{number}"), number * 1_000 * MS)
    for response_id in ("r1", "r2", "r4"):
        voice.end(response_id, 4_000 * MS)
    voice.forget_all_but({"r1"}, 4_050 * MS)
    assert [reply.response_id for reply in voice.replies] == ["r1", "r3", "r4"]  # r3 goes on, r4 is heard
    assert voice.quiet_ns(4_050 * MS) is None
    voice.forget_all_but(set(), 4_100 * MS)
    assert [reply.response_id for reply in voice.replies] == ["r3"]


def test_a_forgotten_reply_still_keeps_its_place_in_the_player(voice, agent) -> None:
    voice.receive(agent.audio(100, "r1"), 1_000 * MS)
    voice.end("r1", 1_000 * MS)
    voice.forget_all_but(set(), 1_100 * MS)
    assert ms(voice.receive(agent.audio(100, "r2"), 1_100 * MS).audible_pieces()) == [(1_100, 1_200)]


def test_g711_is_listened_to_at_its_own_rate() -> None:
    voice = AgentVoice(PCMU, prebuffer_ns=0, listens_closely=True)
    quiet_then_loud = Audio(b"\xff" * 800 + b"\x80\x00" * 400)
    delta = AudioDelta(response_id="r1", item_id="i1", output_index=0, content_index=0, delta=quiet_then_loud)
    assert voice.receive(delta, 0).items[0].first_sound_ns == (100 - 9) * MS
