"""How long the caller waited: response metrics of one turn (metrics.md, "Response").

Negative values are data: the agent cut in. The identity

    voice_to_voice = endpoint_delay + speech_stop_to_first_audio + leading_silence + playout_wait

joins instants stamped on the wire with waits that the player counted by itself, so a mistake in
either shows in `identity_error_ms`.
"""

from __future__ import annotations

from rtbench.core.metrics.metric import Metric, elapsed_ms
from rtbench.core.turns import Turn


def voice_to_voice_ms(turn: Turn) -> float | None:
    """End of the user's speech to the first audible sample leaving the player. The headline."""
    return elapsed_ms(turn.user_speech_end_ns, turn.audible_ns)


def first_audio_ms(turn: Turn) -> float | None:
    """End of the user's speech to the arrival of the first audio."""
    return elapsed_ms(turn.user_speech_end_ns, turn.first_audio_ns)


def endpoint_delay_ms(turn: Turn) -> float | None:
    """End of the user's speech to the arrival of `speech_stopped`; with manual turns to the commit sent."""
    return elapsed_ms(turn.user_speech_end_ns, endpoint_ns(turn))


def speech_stop_to_first_audio_ms(turn: Turn) -> float | None:
    """Arrival of `speech_stopped` (manual: commit sent) to the arrival of the first audio."""
    return elapsed_ms(endpoint_ns(turn), turn.first_audio_ns)


def leading_silence_ms(turn: Turn) -> float | None:
    """Media time from the first received sample to the first audible one."""
    return turn.leading_silence_ms


def playout_wait_ms(turn: Turn) -> float | None:
    """Time by which the player held the first audible sample back: prebuffer and underruns."""
    return turn.playout_wait_ms


def first_text_ms(turn: Turn) -> float | None:
    """End of the user's speech to the first text or transcript of the answer."""
    return elapsed_ms(turn.user_speech_end_ns, turn.first_text_ns)


def response_created_ms(turn: Turn) -> float | None:
    """End of the user's speech to `response.created`."""
    return elapsed_ms(turn.user_speech_end_ns, turn.response_created_ns)


def response_done_ms(turn: Turn) -> float | None:
    """End of the user's speech to `response.done`."""
    return elapsed_ms(turn.user_speech_end_ns, turn.response_done_ns)


def final_answer_audio_ms(turn: Turn) -> float | None:
    """End of the user's speech to the first audible sample of the final answer, after any preamble item."""
    return elapsed_ms(turn.user_speech_end_ns, turn.final_audible_ns)


def endpoint_ns(turn: Turn) -> int | None:
    """The instant at which the caller knows that the turn is over: its own commit, else `speech_stopped`."""
    return turn.commit_sent_ns if turn.kind == "manual" else turn.speech_stopped_ns


def identity_error_ms(turn: Turn) -> float | None:
    """`voice_to_voice_ms` minus the sum of its four parts; None where a part is missing."""
    parts = (
        endpoint_delay_ms(turn),
        speech_stop_to_first_audio_ms(turn),
        turn.leading_silence_ms,
        turn.playout_wait_ms,
    )
    whole = voice_to_voice_ms(turn)
    if whole is None:
        return None
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return whole - total


RESPONSE_METRICS: tuple[Metric[Turn], ...] = (
    Metric(voice_to_voice_ms),
    Metric(first_audio_ms),
    Metric(endpoint_delay_ms),
    Metric(speech_stop_to_first_audio_ms),
    Metric(leading_silence_ms),
    Metric(playout_wait_ms),
    Metric(first_text_ms),
    Metric(response_created_ms),
    Metric(response_done_ms),
    Metric(final_answer_audio_ms),
)
