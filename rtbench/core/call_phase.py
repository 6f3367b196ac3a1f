"""What is going on in a conversation at an instant: which phase it is in, and whether the service owes something."""

from __future__ import annotations

from rtbench.core.conversation import Conversation
from rtbench.core.incidents import Phase


def phase_of(conversation: Conversation, now: int) -> Phase:
    """Setting up, speaking, waiting for an answer, hearing one, or none of these."""
    if not conversation.is_talking:
        return "setup"
    fold = conversation.open_turn
    if fold is None:
        return "idle"
    if now < fold.turn.user_speech_end_ns:
        return "speaking"
    begun = fold.turn.first_audio_ns is not None or fold.turn.first_text_ns is not None
    return "answering" if begun else "waiting"


def due_since_ns(conversation: Conversation) -> int | None:
    """Since when an answer, or the rest of it, has been due; None while none is."""
    if not conversation.is_talking:
        return None  # the set-up has its own timeout
    fold = conversation.open_turn
    if fold is None or fold.answer_is_over or not fold.turn.expects_answer:
        return None
    return fold.turn.user_speech_end_ns
