import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbench.core.microphone import FrameGrid, PlayClip, StartMicrophone
from rtbench.core.script import Clip

MS = 1_000_000
GRID = FrameGrid(start_ns=1_007 * MS, frame_ns=40 * MS)


@pytest.mark.parametrize(
    ("instant_ns", "boundary_ns"),
    [
        (0, 1_007 * MS),
        (1_007 * MS, 1_007 * MS),
        (1_007 * MS + 1, 1_047 * MS),
        (1_046 * MS, 1_047 * MS),
        (1_047 * MS, 1_047 * MS),
        (2_000 * MS, 2_007 * MS),
    ],
)
def test_the_next_boundary_is_not_before_the_instant_nor_before_the_start(instant_ns, boundary_ns) -> None:
    assert GRID.boundary_at_or_after(instant_ns) == boundary_ns


@given(
    start_ns=st.integers(0, 2**60),
    frame_ns=st.sampled_from([20 * MS, 40 * MS]),
    ahead_ns=st.integers(0, 2**45),
)
def test_every_boundary_is_a_whole_number_of_frames_away_and_the_first_one(
    start_ns, frame_ns, ahead_ns
) -> None:
    boundary_ns = FrameGrid(start_ns, frame_ns).boundary_at_or_after(start_ns + ahead_ns)

    assert (boundary_ns - start_ns) % frame_ns == 0
    assert 0 <= boundary_ns - (start_ns + ahead_ns) < frame_ns


@given(
    start_ns=st.integers(0, 2**60),
    sample=st.integers(0, 3_600 * 24_000),
    rate_hz=st.sampled_from([8_000, 24_000]),
)
def test_a_sample_is_found_again_by_its_instant_cut_to_nanoseconds(start_ns, sample, rate_hz) -> None:
    instant_ns = start_ns + sample * 1_000_000_000 // rate_hz

    assert FrameGrid(start_ns, 20 * MS).sample_at(instant_ns, rate_hz) == sample


def test_an_instant_between_two_samples_of_a_slower_stream_is_the_nearer_one() -> None:
    assert FrameGrid(0, 20 * MS).sample_at(41_666, 8_000) == 0
    assert FrameGrid(0, 20 * MS).sample_at(83_333, 8_000) == 1


def test_requests_to_the_shells_microphone_are_values() -> None:
    clip = Clip("c", 1, 0, 1)

    assert StartMicrophone(5) == StartMicrophone(at_ns=5)
    assert PlayClip(clip, 7) == PlayClip(clip=clip, at_ns=7) != PlayClip(clip, 8)
