"""The network model against its own numbers, and against TCP's rules worked out by hand."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace
from itertools import pairwise

import pytest

from rtbench.core.delay_variation import delay_variation
from rtbench.core.impairment import Conditions, Network
from rtbench.core.impairment_presets import PRESETS

MS = 1_000_000
PACKETS = 10_000


def network(conditions: Conditions, seed: int = 1, start_ns: int = 0) -> Network:
    return Network(conditions, lambda name: random.Random(f"{seed}/{name}"), start_ns)


def arrivals(
    conditions: Conditions, every_ms: float = 20, size_bytes: int = 120, seed: int = 1
) -> list[float | None]:
    """One-way delay of each packet in milliseconds, None for a lost one."""
    link = network(conditions, seed).up
    sent_ns = [round(number * every_ms * MS) for number in range(PACKETS)]
    found = [link.datagram(size_bytes, at_ns) for at_ns in sent_ns]
    return [None if at is None else (at - sent) / MS for at, sent in zip(found, sent_ns, strict=True)]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_10_000_packets_have_the_loss_delay_and_jitter_of_their_preset(name: str, seed: int) -> None:
    preset = replace(PRESETS[name], outage_every_ms=None, reordering=0.0)
    delays = arrivals(preset, seed=seed)
    came = [(number, delay) for number, delay in enumerate(delays) if delay is not None]
    serialised_ms = (120 + 28) * 8 / preset.up_kbps

    assert (PACKETS - len(came)) / PACKETS == pytest.approx(preset.loss, rel=0.02)
    assert statistics.fmean(delay for _, delay in came) == pytest.approx(
        preset.delay_ms + serialised_ms, rel=0.02
    )
    steps = [abs(b - a) for (before, a), (after, b) in pairwise(came) if after == before + 1]
    assert statistics.fmean(steps) == pytest.approx(preset.jitter_ms, rel=0.02)


def test_without_a_packet_near_it_none_is_held_back() -> None:
    """200 ms apart the chain is a draw of its own each time: an exponential, whose deviation is its scale."""
    conditions = Conditions(delay_ms=40, jitter_ms=8)
    came = [delay for delay in arrivals(conditions, every_ms=200) if delay is not None]
    scale_ms = delay_variation(40, 8, 20).scale_ms

    assert statistics.pstdev(came) == pytest.approx(scale_ms, rel=0.02)


@pytest.mark.parametrize("name", ["wifi", "3g", "satellite"])
def test_losses_come_in_bursts_of_the_mean_length(name: str) -> None:
    lost = [delay is None for delay in arrivals(PRESETS[name])]
    bursts = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))

    assert sum(lost) / bursts == pytest.approx(PRESETS[name].burst, rel=0.1)


def test_within_a_congested_burst_every_second_packet_is_lost() -> None:
    lost = [delay is None for delay in arrivals(PRESETS["congested"])]
    after_a_loss = [lost[i + 1] for i in range(PACKETS - 1) if lost[i]]

    assert 0.35 < statistics.fmean(after_a_loss) < 0.6  # against 0.03 anywhere


def test_order_is_kept_however_the_delay_varies() -> None:
    conditions = Conditions(delay_ms=100, jitter_ms=25)
    link = network(conditions).down
    found = [link.datagram(100, number * 5 * MS) for number in range(1_000)]

    assert found == sorted(found)


def test_a_share_of_the_packets_is_overtaken() -> None:
    link = network(Conditions(delay_ms=20, reordering=0.05)).up
    found = [link.datagram(100, number * 20 * MS) or 0 for number in range(PACKETS)]
    overtaken = sum(later < earlier for earlier, later in pairwise(found))

    assert overtaken / PACKETS == pytest.approx(0.05, rel=0.1)


def test_bandwidth_spaces_packets_and_a_full_queue_drops_them() -> None:
    # 1,000 bytes with headers at 80 kbit/s take 100 ms; the queue holds 250 ms of them.
    link = network(Conditions(up_kbps=80, queue_ms=250)).up
    found = [link.datagram(972, 0) for _ in range(6)]

    assert found == [100 * MS, 200 * MS, 300 * MS, None, None, None]
    assert (link.sent, link.lost, link.overflowed) == (6, 0, 3)


def test_outages_cut_both_directions_and_take_their_share_of_the_time() -> None:
    both = network(Conditions(outage_every_ms=10_000, outage_ms=2_000))
    instants = [number * 20 * MS for number in range(PACKETS)]  # 200 s: 20 outages of 2 s
    up = [both.up.datagram(100, at) is None for at in instants]
    down = [both.down.datagram(100, at) is None for at in instants]

    assert up == down
    assert sum(up) == pytest.approx(20 * 100, abs=20)
    assert both.up.cut == sum(up)
    assert both.up.lost == 0
    assert sum(now and not before for before, now in zip([False, *up], up, strict=False)) == 20


def test_a_network_without_faults_changes_nothing() -> None:
    ideal = network(Conditions())

    assert ideal.up.datagram(1_000, 5) == 5
    assert ideal.down.stream(100_000, 7) == 7


def stream_link(conditions: Conditions, lost: set[int]):
    """A link whose transmissions with these numbers, from 0, are lost."""
    link = network(conditions).up
    numbers = iter(range(1_000))

    class Chain:
        def loses(self) -> bool:
            return next(numbers) in lost

        def draw(self) -> float:
            return float(next(numbers) in lost)

    link._loss = link._lost_again = Chain()
    return link


def test_a_lost_segment_of_a_stream_comes_a_round_trip_and_a_quarter_later() -> None:
    link = stream_link(Conditions(delay_ms=40), lost={0})

    assert link.stream(100, 0) == (80 + 20 + 40) * MS


def test_what_follows_a_lost_segment_waits_for_it() -> None:
    link = stream_link(Conditions(delay_ms=40), lost={0})
    first = link.stream(100, 0)

    assert link.stream(100, 20 * MS) == first  # else at 60 ms
    assert link.stream(100, 200 * MS) == 240 * MS


def test_a_retransmission_that_is_lost_waits_for_the_timeout_which_doubles() -> None:
    link = stream_link(Conditions(delay_ms=40), lost={0, 1, 2})
    # 100 ms to the first retransmission, then 280 and 560 ms, then 40 ms on the way.
    assert link.stream(100, 0) == (100 + 280 + 560 + 40) * MS
    assert (link.sent, link.lost) == (1, 3)


def test_a_stream_gets_through_an_outage_by_timeouts() -> None:
    conditions = Conditions(delay_ms=50, outage_every_ms=1_000, outage_ms=1_000)
    link = network(conditions, start_ns=0).up
    link._outages._every_ns = 10**15  # one outage, from 0 to 1 s
    link._outages._offsets = [0]

    # Timeouts at 300, 900 and 2,100 ms: the third passes.
    assert link.stream(100, 0) == 2_150 * MS
    assert link.cut == 3 - 0


def test_a_large_message_takes_as_many_segments_as_it_needs() -> None:
    link = network(Conditions(up_kbps=1_000)).up

    # 3,000 bytes are segments of 1,448, 1,448 and 104 bytes, each with 52 of headers.
    assert link.stream(3_000, 0) == (3_000 + 3 * 52) * 8 * 1_000
    assert link.sent == 3


def test_more_than_the_bandwidth_takes_waits_ever_longer() -> None:
    link = network(Conditions(up_kbps=330)).up  # a caller's PCM in base64 is 530 kbit/s
    waits_ms = [(link.stream(2_650, at * 40 * MS) - at * 40 * MS) / MS for at in range(100)]

    assert waits_ms[-1] > 20 * waits_ms[0]


@pytest.mark.parametrize("name", ["wifi", "4g", "3g", "satellite"])
def test_a_caller_s_stream_over_a_preset_is_late_by_its_delay_and_seldom_by_a_repair(name: str) -> None:
    """G.711 frames of 40 ms, 450 bytes in base64: half of them arrive at the one-way delay, none after seconds."""
    link = network(PRESETS[name]).up
    delays = sorted((link.stream(450, at * 40 * MS) - at * 40 * MS) / MS for at in range(PACKETS))

    assert delays[PACKETS // 2] == pytest.approx(PRESETS[name].delay_ms, abs=15, rel=0.1)
    assert delays[-1] < 4 * 2 * PRESETS[name].delay_ms + 1_000
    repaired = sum(delay > 2 * PRESETS[name].delay_ms for delay in delays) / PACKETS
    assert PRESETS[name].loss / 3 < repaired < 12 * PRESETS[name].loss  # those behind a lost one wait too


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", PRESETS)
def test_10_000_segments_of_a_stream_are_lost_as_often_as_asked_outages_or_not(name: str, seed: int) -> None:
    link = network(PRESETS[name], seed).up
    for at in range(PACKETS):
        link.stream(450, at * 20 * MS)

    assert (link.cut > 0) == (PRESETS[name].outage_every_ms is not None)
    # To one segment at the end of the quota, and two of those that are sent again.
    assert link.lost == pytest.approx(PRESETS[name].loss * (link.sent + link.lost), rel=0.02, abs=3)


# A change in mid-call.


def test_a_change_holds_from_its_instant_on_both_ways() -> None:
    both = network(Conditions(delay_ms=300))
    before = [link.stream(100, 0) for link in (both.up, both.down)]
    both.change(Conditions(delay_ms=40, up_kbps=80), 1_000 * MS)
    after = [link.stream(1_000 - 52, 1_000 * MS) for link in (both.up, both.down)]

    assert before == [300 * MS, 300 * MS]
    assert after == [1_140 * MS, 1_040 * MS]  # 1,000 bytes at 80 kbit/s take 100 ms, one way only
    assert both.conditions.delay_ms == 40


@pytest.mark.parametrize("send", ["stream", "datagram"])
def test_what_is_under_way_is_not_overtaken_by_a_faster_network(send: str) -> None:
    both = network(Conditions(delay_ms=300))
    first = getattr(both.up, send)(100, 0)
    both.change(Conditions(), 10 * MS)
    later = [getattr(both.up, send)(100, at * MS) for at in (20, 250, 310)]

    assert first == 300 * MS
    assert later == [300 * MS, 300 * MS, 310 * MS]


def test_nobody_waits_at_a_bottleneck_that_is_gone() -> None:
    link = (both := network(Conditions(up_kbps=8))).up
    assert link.datagram(972, 0) == 1_000 * MS
    both.change(Conditions(up_kbps=8_000, queue_ms=0), 10 * MS)

    assert link.datagram(972, 1_100 * MS) == 1_101 * MS
    assert link.overflowed == 0


def test_a_changed_network_is_seeded_and_every_change_draws_anew() -> None:
    lossy = Conditions(delay_ms=40, jitter_ms=5, loss=0.1, burst=2, outage_every_ms=1_000, outage_ms=50)

    def came(seed: int) -> list[list[int | None]]:
        both = network(Conditions(), seed)
        found = []
        for start in (0, 20_000):
            both.change(lossy, start * MS)
            instants = [(start + 20 * number) * MS for number in range(500)]
            arrivals = [both.down.datagram(100, at) for at in instants]
            found.append([at and at - start * MS for at in arrivals])
        return found

    one, again, other = came(1), came(1), came(2)
    assert one == again != other
    assert one[0] != one[1]
    assert 0.05 < sum(at is None for at in one[0]) / 500 < 0.25


def test_packets_do_not_wait_for_what_a_stream_sends_again_nor_a_new_stream_for_an_old_one() -> None:
    both = network(Conditions(delay_ms=50, outage_every_ms=1_000, outage_ms=1_000))
    both.up._outages._every_ns, both.up._outages._offsets = 10**15, [0]
    assert both.up.stream(100, 0) == 2_150 * MS
    both.change(Conditions(delay_ms=50), 100 * MS)

    assert both.up.datagram(100, 100 * MS) == 150 * MS
    assert both.up.stream(100, 100 * MS) == 2_150 * MS
    both.begin_stream()
    assert both.up.stream(100, 100 * MS) == 150 * MS
