import pytest

from rtbench.core.jitter_buffer import JitterBuffer, StreamPlayback

MS = 1_000_000
DEPTH = 40


def played(*packets: tuple[int, float]) -> StreamPlayback:
    """A reply of packets of 20 ms at these media positions, each arriving at so many ms."""
    buffer = JitterBuffer(DEPTH * MS)
    playback = buffer.begin("r", round(packets[0][1] * MS))
    for media_ms, at_ms in packets:
        playback.place(media_ms * MS, 20 * MS, DEPTH * MS, round(at_ms * MS))
    return playback


def on_time(count: int, delay_ms=lambda number: 0.0, start_ms: float = 1_000) -> list[tuple[int, float]]:
    return [(20 * number, start_ms + 20 * number + delay_ms(number)) for number in range(count)]


def test_the_first_packet_plays_its_depth_later_and_the_others_follow_by_their_timestamps() -> None:
    playback = played(*on_time(5))

    assert playback.play_ns(0) == 1_040 * MS
    assert playback.play_ns(99 * MS) == 1_139 * MS
    assert playback.play_ns(100 * MS) is None
    assert playback.end_ns() == 1_140 * MS
    assert playback.wait_ns(0) == DEPTH * MS
    assert (playback.concealed_ns, playback.late_packets, playback.underruns_ns) == (0, 0, [])


def test_jitter_within_the_depth_changes_nothing_that_is_heard() -> None:
    playback = played(*on_time(50, lambda number: 39 * (number % 3 == 1)))

    assert playback.play_ns(500 * MS) == 1_540 * MS
    assert (playback.concealed_ns, playback.late_packets) == (0, 0)
    assert playback.min_prebuffer_ns == 39 * MS


def test_a_lost_packet_leaves_a_hole_in_its_place() -> None:
    playback = played((0, 0), (20, 20), (60, 60))

    assert playback.concealed_ns == 20 * MS
    assert playback.received_ns == 80 * MS
    assert playback.play_ns(60 * MS) == 100 * MS


def test_a_packet_that_was_overtaken_is_put_in_its_place() -> None:
    playback = played((0, 0), (40, 40), (20, 45), (60, 60))

    assert (playback.concealed_ns, playback.late_packets, playback.received_ns) == (0, 0, 80 * MS)


def test_one_that_comes_after_it_was_to_be_played_is_lost() -> None:
    playback = played((0, 0), (40, 40), (20, 61), (60, 60))

    assert (playback.concealed_ns, playback.late_packets) == (20 * MS, 1)


def test_the_newest_packet_can_be_late_as_well_and_nobody_waits_for_it() -> None:
    playback = played((0, 0), (20, 20), (40, 90), (60, 92))

    assert (playback.concealed_ns, playback.late_packets) == (20 * MS, 1)
    assert playback.play_ns(60 * MS) == 100 * MS
    assert playback.underruns_ns == []


def test_a_stall_stops_the_player_and_it_goes_on_with_its_full_depth() -> None:
    playback = played((0, 0), (20, 20), (40, 400), (60, 420))

    # 40 ms of media were to end at 80 ms; the packet at 400 plays at 440.
    assert playback.underruns_ns == [360 * MS]
    assert playback.play_ns(39 * MS) == 79 * MS
    assert playback.play_ns(40 * MS) == 440 * MS
    assert playback.play_ns(60 * MS) == 460 * MS
    assert playback.wait_ns(40 * MS) == (DEPTH + 360) * MS
    assert (playback.concealed_ns, playback.late_packets) == (0, 0)
    assert playback.min_prebuffer_ns == 360 * MS


def test_a_stream_that_is_a_little_late_for_good_is_followed_after_a_while() -> None:
    playback = played(*on_time(5), *((20 * number, 1_000 + 20 * number + 50) for number in range(5, 20)))

    # Five packets come 10 ms too late; the sixth begins a run of its own.
    assert (playback.late_packets, playback.concealed_ns) == (5, 100 * MS)
    assert playback.underruns_ns == [50 * MS]
    assert playback.play_ns(380 * MS) == (1_000 + 380 + 50 + DEPTH) * MS


def test_a_pause_of_the_sender_whose_clock_ran_on_is_a_hole_and_no_stall() -> None:
    playback = played((0, 0), (20, 20), (520, 520))

    assert playback.underruns_ns == []
    assert playback.concealed_ns == 480 * MS
    assert playback.play_ns(520 * MS) == 560 * MS


def test_what_comes_after_a_flush_is_received_and_not_played() -> None:
    buffer = JitterBuffer(DEPTH * MS)
    playback = buffer.begin("r", 0)
    playback.place(0, 20 * MS, DEPTH * MS, 0)
    playback.place(20 * MS, 20 * MS, DEPTH * MS, 20 * MS)
    buffer.flush(50 * MS)
    playback.place(60 * MS, 20 * MS, DEPTH * MS, 60 * MS)

    assert playback.heard_ns(900 * MS) == 10 * MS
    assert playback.received_ns == 80 * MS
    assert playback.concealed_ns == 0
    assert playback.expected_play_ns(200 * MS) is None


def test_a_sample_to_come_has_its_instant_as_long_as_the_stream_flows() -> None:
    buffer = JitterBuffer(DEPTH * MS)
    playback = buffer.begin("r", 0)
    playback.place(0, 20 * MS, DEPTH * MS, 0)

    assert playback.expected_play_ns(1_000 * MS) == 1_040 * MS
    buffer.finish("r", 20 * MS)
    assert playback.expected_play_ns(1_000 * MS) is None
    assert playback.expected_play_ns(10 * MS) == 50 * MS
    assert playback.finished


def test_the_next_reply_begins_when_the_one_before_has_left() -> None:
    buffer = JitterBuffer(DEPTH * MS)
    first = buffer.begin("a", 0)
    first.place(0, 20 * MS, DEPTH * MS, 0)
    second = buffer.begin("b", 5 * MS)

    assert second.play_ns(0) is None
    second.place(0, 20 * MS, DEPTH * MS, 5 * MS)
    assert second.play_ns(0) == 60 * MS
    assert second.wait_ns(0) == 55 * MS


@pytest.mark.parametrize("depth_ms", [0, 20, 200])
def test_min_prebuffer_is_the_depth_that_would_have_done(depth_ms) -> None:
    buffer = JitterBuffer(depth_ms * MS)
    playback = buffer.begin("r", 0)
    for media_ms, at_ms in on_time(30, lambda number: 31 * (number == 9), start_ms=0):
        playback.place(media_ms * MS, 20 * MS, depth_ms * MS, round(at_ms * MS))

    assert playback.min_prebuffer_ns == 31 * MS
    assert (playback.late_packets == 0) == (depth_ms >= 31)
