"""What an answer came to, by its status and what was heard of it."""

from __future__ import annotations

import pytest

from rtbench.core.turn_verdict import verdict
from rtbench.core.turns import Turn


@pytest.mark.parametrize(
    ("fields", "spoken", "found"),
    [
        ({"response_status": "failed"}, True, ("failed", "response_failed")),
        ({"response_status": "failed", "error_class": "server_error"}, True, ("failed", "server_error")),
        (
            {"response_status": "cancelled", "response_reason": "turn_detected"},
            True,
            ("cancelled", "turn_detected"),
        ),
        ({"response_status": "completed", "audible_ns": 5}, True, ("answered", "")),
        ({"response_status": "incomplete", "audible_ns": 5}, True, ("answered", "")),
        ({"response_status": "completed", "first_text_ns": 5}, True, ("no_answer", "silent_answer")),
        ({"response_status": "completed", "first_text_ns": 5}, False, ("answered", "")),
        ({"response_status": "completed", "tool": True}, True, ("no_answer", "tool_call_only")),
    ],
)
def test_a_verdict_for_each_end(fields, spoken: bool, found) -> None:
    assert verdict(Turn(number=1, clip="c", **fields), spoken=spoken) == found
