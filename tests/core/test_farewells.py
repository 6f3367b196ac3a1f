"""What stands for a close code over WebRTC."""

from __future__ import annotations

import pytest

from rtbench.core.farewells import FAREWELLS, told_over_webrtc
from rtbench.emulator.line_faults import CLOSE_CODES


@pytest.mark.parametrize(
    ("code", "told"),
    [(1000, "closed_1000"), (1006, ""), (1012, "service_restart"), (4000, "beta_api_shape_disabled")],
)
def test_a_reason_is_told_by_an_error_and_a_cut_by_nothing(code: int, told: str) -> None:
    assert told_over_webrtc(code) == told


def test_every_code_that_the_emulator_closes_with_has_its_own_sign() -> None:
    told = [told_over_webrtc(code) for code in CLOSE_CODES]

    assert len(set(told)) == len(CLOSE_CODES)
    assert {code for code in CLOSE_CODES if code not in FAREWELLS} == {1000, 1006}
