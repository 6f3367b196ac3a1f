"""Which pieces of an answer lose packets, and when it is known."""

from __future__ import annotations

from rtbench.emulator.faulty_audio import LOST
from rtbench.emulator.packet_loss import PacketLoss
from rtbench.emulator.playout import SpeakPackets

MS = 1_000_000


def piece(*packets: bytes, at_ms: int = 0) -> SpeakPackets:
    return SpeakPackets("r1", packets, at_ms * MS)


FIRST, SECOND, THIRD = (piece(b"ab", b"cd", at_ms=at_ms) for at_ms in (0, 40, 80))


def gone(whole: SpeakPackets, count: int) -> SpeakPackets:
    return piece(*(LOST,) * count, *whole.packets[count:], at_ms=whole.at_ns // MS)


def told(loss: PacketLoss) -> list[tuple[str, int]]:
    return [(row.setting, row.at_ns // MS) for row in loss.take_rows()]


def test_nothing_is_lost_and_nothing_kept_where_nothing_is_to_be() -> None:
    loss = PacketLoss()

    assert loss.take(FIRST) == [FIRST]
    assert (loss.end(), told(loss)) == ([], [])


def test_a_loss_within_a_piece_is_heard_by_what_is_left_of_it() -> None:
    loss = PacketLoss(1)

    assert loss.take(SECOND) == [gone(SECOND, 1)]
    assert (told(loss), told(loss)) == ([("1", 40)], [])
    assert loss.take(THIRD) == [THIRD]


def test_a_piece_that_is_lost_whole_waits_for_the_next_one() -> None:
    loss = PacketLoss(3)

    assert loss.take(FIRST) == []
    assert told(loss) == []
    assert loss.take(SECOND) == [gone(FIRST, 2), gone(SECOND, 1)]
    assert told(loss) == [("3", 0)]


def test_a_loss_of_whole_pieces_is_over_with_the_piece_behind_them() -> None:
    loss = PacketLoss(2)

    assert (loss.take(FIRST), told(loss)) == ([], [])
    assert (loss.take(SECOND), told(loss)) == ([gone(FIRST, 2), SECOND], [("2", 0)])


def test_the_last_piece_of_an_answer_is_spared_and_what_was_lost_before_it_counts() -> None:
    loss = PacketLoss(500)

    assert (loss.take(FIRST), loss.take(SECOND)) == ([], [gone(FIRST, 2)])
    assert told(loss) == []
    assert (loss.end(), told(loss)) == ([SECOND], [("2", 0)])


def test_an_answer_that_is_over_at_once_loses_nothing() -> None:
    loss = PacketLoss(3)
    loss.take(FIRST)

    assert (loss.end(), told(loss)) == ([FIRST], [])


def test_the_row_names_the_answer_and_who_wanted_it() -> None:
    loss = PacketLoss(1, "sess_1", "r1", ordered=True)
    loss.take(FIRST)

    (row,) = loss.take_rows()
    assert (row.kind, row.session_id, row.response_id, row.ordered) == ("lost_packets", "sess_1", "r1", True)
