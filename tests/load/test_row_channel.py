import pytest

from rtbench.core.turns import Turn
from rtbench.engine.rows import RowKeys, turn_row
from rtbench.load.row_channel import BATCH_BYTES, ROWS, Outbox, unpack_rows

HALF_MIB = 512 * 1024
INSTANT_NS = 4 * 10**15


def full_row(number: int) -> dict:
    """A turn of which every instant is known, as long runs have them."""
    turn = Turn(number, "question_delivery", response_id="resp_" + "x" * 21, user_item_id="item_" + "x" * 21)
    for name in turn.__slots__:
        if name.endswith("_ns"):
            setattr(turn, name, INSTANT_NS)
    keys = RowKeys("w0", f"w0-{number:06d}", number, 3, "quickstart", "websocket")
    columns = {"at_unix_ns": 4 * 10**18, "concurrency": 300, "speech_end_sample": 10**8}
    return turn_row(keys, "sess_" + "x" * 21, turn, 1.25, **columns)


@pytest.fixture
def sent() -> list[tuple[str, dict]]:
    return []


@pytest.fixture
def outbox(sent) -> Outbox:
    return Outbox("w3", lambda name, data: sent.append((name, data)))


def test_nothing_is_sent_before_it_is_asked_for(outbox, sent) -> None:
    outbox.take("turns", {"turn": 1})
    assert sent == []


def test_a_flush_sends_all_that_was_gathered_once(outbox, sent) -> None:
    outbox.take("turns", {"turn": 1})
    outbox.take("sessions", {"outcome": "completed", "dns_ms": None})
    outbox.flush()
    outbox.flush()
    ((name, data),) = sent
    assert (name, data["worker"]) == (ROWS, "w3")
    assert unpack_rows(data) == [
        ("turns", {"turn": 1}),
        ("sessions", {"outcome": "completed", "dns_ms": None}),
    ]


def test_a_flush_of_nothing_sends_nothing(outbox, sent) -> None:
    outbox.flush()
    assert sent == []


def test_rows_arrive_complete_and_in_order_over_any_number_of_batches(outbox, sent) -> None:
    rows = [("turns", full_row(number)) for number in range(1_000)]
    for table, row in rows:
        outbox.take(table, row)
    outbox.flush()
    assert len(sent) > 1
    assert [row for _, data in sent for row in unpack_rows(data)] == rows


def test_a_message_stays_below_half_a_mebibyte(outbox, sent) -> None:
    for number in range(1_000):
        outbox.take("turns", full_row(number))
        if number % 10 == 0:
            outbox.take("waveforms", {"session": "w0-000001", "peaks": [20_000] * 6_000})
    outbox.flush()
    sizes = [len(data["rows"]) for _, data in sent]
    assert BATCH_BYTES // 2 < max(sizes) < HALF_MIB


def test_a_row_larger_than_a_batch_travels_alone(outbox, sent) -> None:
    outbox.take("turns", {"turn": 1})
    outbox.take("waveforms", {"peaks": [20_000] * BATCH_BYTES})
    outbox.take("turns", {"turn": 2})
    outbox.flush()
    assert [len(unpack_rows(data)) for _, data in sent] == [1, 1, 1]


def test_what_becomes_of_a_row_after_it_was_taken_does_not_matter(outbox, sent) -> None:
    row = {"turn": 1}
    outbox.take("turns", row)
    row["turn"] = 2
    outbox.flush()
    assert unpack_rows(sent[0][1]) == [("turns", {"turn": 1})]
