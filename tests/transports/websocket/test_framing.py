import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from rtbench.transports.websocket.framing import Masking, unmasked_text

LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]


def parsed(frame: bytes, *, mask: bool) -> Frame:
    """By the parser of `websockets`, which takes the mask off; raises EOFError where bytes are missing."""
    reader = StreamReader()
    reader.feed_data(frame)
    parsing = Frame.parse(reader.read_exact, mask=mask)
    try:
        next(parsing)
    except StopIteration as done:
        assert not reader.buffer
        return done.value
    raise EOFError


@pytest.mark.parametrize("length", LENGTHS)
def test_a_servers_frame_is_byte_for_byte_the_librarys(length) -> None:
    payload = bytes(range(32, 127)) * (length // 95 + 1)
    payload = payload[:length]
    assert unmasked_text(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_clients_frame_is_parsed_to_what_was_sent(length) -> None:
    payload = b"x" * length
    frame = parsed(Masking().text(payload), mask=True)
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, payload)


@given(st.text())
def test_any_text_survives_the_masking(text) -> None:
    assert bytes(parsed(Masking().text(text.encode()), mask=True).data).decode() == text


def test_no_mask_is_used_twice_in_a_row_nor_after_the_pool_is_drawn_anew() -> None:
    masking = Masking()
    masks = [masking.text(b"")[2:6] for _ in range(3_000)]
    assert all(len(mask) == 4 for mask in masks)
    # 3,000 draws of 32 bits: two are equal with a chance of one in a thousand, ten with none worth naming.
    assert len(set(masks)) > 2_990
