from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.core.playout import Playback, Player, Run, Wait

MS = 1_000_000


@dataclass
class Lane:
    """One response in the oracle; times and media in whole milliseconds."""

    first_arrival: int
    received: int = 0
    finished: bool = False
    flushed: bool = False
    running: bool = False
    left: list[int] = field(default_factory=list)
    """When each millisecond of media left the player."""

    dry_since: int | None = None
    underruns: list[int] = field(default_factory=list)

    def look(self, prebuffer: int, now: int) -> None:
        held = self.received - len(self.left)
        if not self.running and not self.flushed and held and (held >= prebuffer or self.finished):
            self.running = True
            if self.dry_since is not None:
                self.underruns.append(now - self.dry_since)
                self.dry_since = None


def simulate(prebuffer: int, events: list[tuple[int, str, str, int]]) -> dict[str, Lane]:
    """A sound card that looks every millisecond: take what happened, then play one millisecond of one lane."""
    lanes: dict[str, Lane] = {}
    waiting = sorted(events, key=lambda event: event[0])
    last = waiting[-1][0] if waiting else 0
    now = 0
    while now <= last or any(lane.running for lane in lanes.values()):
        while waiting and waiting[0][0] == now:
            _, kind, name, duration = waiting.pop(0)
            if kind == "flush":
                for lane in lanes.values():
                    lane.flushed, lane.running = True, False
                continue
            if kind == "add":
                lane = lanes.setdefault(name, Lane(now))
                lane.received += duration
                lane.finished = False
            else:
                lane = lanes[name]
                lane.finished = True
            lane.look(prebuffer, now)
        play_one_millisecond(lanes, now)
        now += 1
    return lanes


def play_one_millisecond(lanes: dict[str, Lane], now: int) -> None:
    for lane in lanes.values():
        if lane.running and len(lane.left) == lane.received:
            lane.running, lane.dry_since = False, now
        if lane.running:
            lane.left.append(now)
            return


def drive(prebuffer: int, events: list[tuple[int, str, str, int]]) -> dict[str, Playback]:
    player = Player(prebuffer * MS)
    names = []
    for at, kind, name, duration in sorted(events, key=lambda event: event[0]):
        if kind == "add":
            player.add(name, duration * MS, at * MS)
            names.append(name)
        elif kind == "finish":
            player.finish(name, at * MS)
        else:
            player.flush(at * MS)
    playbacks = {name: player.playback(name) for name in names}
    return {name: playback for name, playback in playbacks.items() if playback is not None}


@st.composite
def histories(draw: st.DrawFn, flushes: bool = True) -> list[tuple[int, str, str, int]]:
    """Responses one after the other, each in parts of chunks; flushes anywhere."""
    events: list[tuple[int, str, str, int]] = []
    at = draw(st.integers(0, 20))
    for name in "abc"[: draw(st.integers(1, 3))]:
        for _ in range(draw(st.integers(1, 2))):
            for duration in draw(st.lists(st.integers(1, 40), min_size=1, max_size=5)):
                events.append((at, "add", name, duration))
                at += draw(st.integers(0, 60))
            events.append((at, "finish", name, 0))
            at += draw(st.integers(0, 40))
    if flushes:
        instants = draw(st.lists(st.integers(0, at + 50), max_size=2))
        events += [(instant, "flush", "", 0) for instant in instants]
    return events


@settings(deadline=None)
@given(prebuffer=st.sampled_from([0, 1, 15, 60]), events=histories())
def test_any_history_plays_as_a_sound_card_would_play_it(prebuffer, events) -> None:
    lanes = simulate(prebuffer, events)
    playbacks = drive(prebuffer, events)

    assert playbacks.keys() == lanes.keys()
    for name, lane in lanes.items():
        playback = playbacks[name]
        expected = [at * MS for at in lane.left]
        assert [playback.play_ns(m * MS) for m in range(len(lane.left))] == expected
        assert [playback.play_ns(m * MS) for m in range(len(lane.left), lane.received)] == [None] * (
            lane.received - len(lane.left)
        )
        assert [gap // MS for gap in playback.underruns_ns] == lane.underruns
        assert playback.received_ns == lane.received * MS
        for media, at in enumerate(lane.left):
            assert playback.wait_ns(media * MS) == (at - lane.first_arrival - media) * MS
        for now in range(0, (lane.left[-1] if lane.left else lane.first_arrival) + 30, 7):
            assert playback.heard_ns(now * MS) == sum(at < now for at in lane.left) * MS
        if not any(kind == "flush" for _, kind, _, _ in events):
            assert playback.end_ns() == (lane.left[-1] + 1) * MS


@given(events=histories(flushes=False))
def test_without_a_prebuffer_every_wait_is_an_underrun_or_the_queue(events) -> None:
    for playback in drive(0, events).values():
        in_mid_answer = [wait.duration_ns for wait in playback.waits if wait.media_ns > 0]
        assert in_mid_answer == playback.underruns_ns


@given(
    chunks=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), min_size=2, max_size=8),
)
def test_min_prebuffer_is_the_smallest_delay_that_spares_every_underrun(chunks) -> None:
    def with_delay(delay_ns: int) -> Playback:
        player = Player()
        at = 1_000 * MS
        if delay_ns:
            player.add("before", delay_ns, at)  # what plays first holds the answer back for just so long
        for duration, gap in chunks:
            playback = player.add("answer", duration * MS, at)
            at += gap * MS
        return playback

    needed_ns = with_delay(0).min_prebuffer_ns

    assert with_delay(needed_ns).underruns_ns == []
    assert with_delay(needed_ns).min_prebuffer_ns == needed_ns
    if needed_ns:
        assert with_delay(needed_ns - 1).underruns_ns != []


def test_min_prebuffer_by_hand() -> None:
    player = Player()
    player.add("r", 100 * MS, 1_000 * MS)
    player.add("r", 100 * MS, 1_080 * MS)
    assert player.add("r", 100 * MS, 1_230 * MS).min_prebuffer_ns == 30 * MS
    assert player.add("r", 100 * MS, 1_310 * MS).min_prebuffer_ns == 30 * MS
    assert player.add("r", 100 * MS, 1_480 * MS).min_prebuffer_ns == 80 * MS


def test_an_answer_faster_than_real_time_plays_from_its_arrival_without_a_gap() -> None:
    player = Player()
    for at in (0, 10, 20):
        playback = player.add("r", 100 * MS, (500 + at) * MS)

    assert playback.runs == [Run(0, 500 * MS)]
    assert playback.waits == []
    assert playback.end_ns() == 800 * MS
    assert player.busy_until_ns() == 800 * MS
    assert (playback.chunks, playback.chunk_gap_max_ns) == (3, 10 * MS)


def test_audio_that_arrives_the_moment_the_player_runs_dry_is_no_underrun() -> None:
    player = Player()
    player.add("r", 100 * MS, 0)
    playback = player.add("r", 100 * MS, 100 * MS)
    assert playback.underruns_ns == []

    player.add("r", 100 * MS, 200 * MS + 1)
    assert playback.underruns_ns == [1]


def test_the_prebuffer_holds_audio_back_at_the_start_and_after_an_underrun() -> None:
    player = Player(prebuffer_ns=150 * MS)
    playback = player.add("r", 100 * MS, 1_000 * MS)
    assert (playback.end_ns(), playback.play_ns(0)) == (None, None)
    player.add("r", 100 * MS, 1_040 * MS)
    assert playback.play_ns(0) == 1_040 * MS
    player.add("r", 100 * MS, 1_300 * MS)
    assert playback.end_ns() is None
    player.add("r", 100 * MS, 1_390 * MS)

    assert playback.runs == [Run(0, 1_040 * MS), Run(200 * MS, 1_390 * MS)]
    assert playback.waits == [Wait(0, 40 * MS), Wait(200 * MS, 150 * MS)]
    assert playback.underruns_ns == [150 * MS]
    assert playback.wait_ns(200 * MS - 1) == 40 * MS
    assert playback.wait_ns(200 * MS) == 190 * MS


def test_the_end_of_the_audio_frees_what_the_prebuffer_held() -> None:
    player = Player(prebuffer_ns=150 * MS)
    playback = player.add("r", 100 * MS, 0)
    player.finish("r", 70 * MS)
    player.finish("r", 90 * MS)

    assert playback.runs == [Run(0, 70 * MS)]
    assert playback.end_ns() == 170 * MS


def test_the_end_of_one_part_does_not_spare_the_next_its_prebuffer() -> None:
    player = Player(prebuffer_ns=150 * MS)
    playback = player.add("r", 100 * MS, 0)
    player.finish("r", 0)
    player.add("r", 100 * MS, 500 * MS)
    assert playback.end_ns() is None
    player.finish("r", 560 * MS)

    assert playback.runs == [Run(0, 0), Run(100 * MS, 560 * MS)]
    assert playback.underruns_ns == [460 * MS]


def test_the_second_response_waits_for_the_end_of_the_first() -> None:
    player = Player()
    player.add("a", 400 * MS, 0)
    second = player.add("b", 100 * MS, 50 * MS)

    assert second.play_ns(0) == 400 * MS
    assert second.wait_ns(0) == 350 * MS
    assert second.underruns_ns == []
    assert second.heard_ns(399 * MS) == 0
    assert player.busy_until_ns() == 500 * MS


def test_a_forgotten_response_is_played_all_the_same() -> None:
    player = Player()
    player.add("a", 400 * MS, 0)
    player.forget("a")
    player.forget("never heard of")

    assert player.playback("a") is None
    assert player.add("b", 100 * MS, 50 * MS).play_ns(0) == 400 * MS


def test_a_flush_throws_away_the_rest_and_what_still_arrives() -> None:
    player = Player()
    playback = player.add("r", 400 * MS, 100 * MS)
    player.flush(250 * MS + 1)
    player.add("r", 100 * MS, 260 * MS)

    assert playback.flushed_at_ns == 250 * MS + 1
    assert playback.end_ns() == 250 * MS + 1
    assert playback.heard_ns(2_000 * MS) == 150 * MS + 1
    assert playback.play_ns(150 * MS) == 250 * MS
    assert playback.play_ns(150 * MS + 1) is None
    assert playback.received_ns == 500 * MS


def test_after_a_flush_the_next_response_plays_at_once() -> None:
    player = Player()
    player.add("a", 400 * MS, 0)
    player.add("b", 400 * MS, 10 * MS)
    player.flush(100 * MS)

    assert player.busy_until_ns() == 100 * MS
    assert player.add("c", 100 * MS, 130 * MS).play_ns(0) == 130 * MS
    flushed = player.playback("b")
    assert flushed is not None and flushed.heard_ns(500 * MS) == 0


@pytest.mark.parametrize("finished", [False, True])
def test_a_flush_while_nothing_plays_leaves_the_end_where_it_was(finished) -> None:
    player = Player()
    playback = player.add("r", 100 * MS, 0)
    if finished:
        player.finish("r", 50 * MS)
    player.flush(300 * MS)
    player.add("r", 100 * MS, 350 * MS)

    assert playback.end_ns() == 100 * MS
    assert playback.play_ns(99 * MS) == 99 * MS
    assert playback.play_ns(100 * MS) is None


def test_a_flush_of_audio_that_is_still_held_back_leaves_nothing_heard() -> None:
    player = Player(prebuffer_ns=200 * MS)
    playback = player.add("r", 100 * MS, 0)
    player.flush(40 * MS)
    player.finish("r", 50 * MS)

    assert (playback.play_ns(0), playback.end_ns(), playback.heard_ns(900 * MS)) == (None, 40 * MS, 0)


def test_a_flush_of_an_underrun_ends_where_the_player_ran_dry() -> None:
    player = Player(prebuffer_ns=80 * MS)
    player.add("r", 100 * MS, 0)
    playback = player.add("r", 20 * MS, 300 * MS)
    player.flush(320 * MS)

    assert playback.end_ns() == 100 * MS
    assert playback.heard_ns(400 * MS) == 100 * MS


def test_an_unknown_response_has_no_playback_and_nothing_to_finish() -> None:
    player = Player()
    player.finish("r", 10)

    assert player.playback("r") is None
    assert player.busy_until_ns() == 0
