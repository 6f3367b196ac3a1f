"""What a turn's answer came to: outcome and error class, and the last sign of life of an answer under way."""

from __future__ import annotations

from rtbench.core.turn_fold import TurnFold
from rtbench.core.turns import Turn, TurnOutcome


def verdict(turn: Turn, *, spoken: bool) -> tuple[TurnOutcome, str]:
    """Outcome and error class of a turn whose response is done; `spoken` answers must have been audible."""
    if turn.response_status == "failed":
        return "failed", turn.error_class or "response_failed"
    if turn.response_status == "cancelled":
        return "cancelled", turn.response_reason or "response_cancelled"
    heard_ns = turn.audible_ns if spoken else turn.first_text_ns
    if heard_ns is not None:
        return "answered", ""
    return "no_answer", "tool_call_only" if turn.tool else "silent_answer"


def progress_ns(fold: TurnFold) -> int:
    """The last sign of an answer under way: something arrived, or is still playing."""
    reply = fold.reply
    playing_until_ns = (reply.playback.end_ns() or 0) if reply is not None else 0
    return max(fold.progress_ns, playing_until_ns)
