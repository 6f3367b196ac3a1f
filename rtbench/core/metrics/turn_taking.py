"""Could the caller stop the agent, and was the agent left in peace: turn-taking metrics (metrics.md, "Turn-taking").

Metrics of a stimulus come first, those of a turn after them. Rates are means of 0 and 1 over the
stimuli or turns to which they apply; None is a case to which a rate does not apply.
"""

from __future__ import annotations

from rtbench.core.metrics.metric import NS_PER_MS, Metric, elapsed_ms
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn

YIELD_LIMIT_MS = 2000.0
"""An agent that has not fallen silent by then was not stopped."""

ELIGIBLE_UNHEARD_MS = 2000.0
"""With less than this left to say the agent would have fallen silent anyway."""

REACTION_MS = 500.0
"""An answer that has ended by itself by then was over before any service could have noticed the interruption."""

FALSE_STOP_LIMIT_MS = 1000.0
FALSE_ANSWER_LIMIT_MS = 2000.0


def barge_in_detect_ms(stimulus: Stimulus) -> float | None:
    """First sample of the interrupting speech due to the arrival of `speech_started`."""
    return elapsed_ms(stimulus.onset_ns, stimulus.speech_started_ns) if stimulus.takes_turn else None


def barge_in_server_stop_ms(stimulus: Stimulus) -> float | None:
    """Onset to the answer's last audio received or its cancellation, whichever is later.

    None where it was not cancelled: the service did not notice, or had delivered all of it before the
    onset and had nothing left to stop.
    """
    if not stimulus.takes_turn or stimulus.cancelled_ns is None:
        return None
    stopped_ns = max(stimulus.cancelled_ns, stimulus.last_audio_ns or 0)
    return elapsed_ms(stimulus.onset_ns, stopped_ns)


def barge_in_heard_stop_ms(stimulus: Stimulus) -> float | None:
    """Onset to the player going, and staying, silent, under the client policy in force."""
    return elapsed_ms(stimulus.onset_ns, stimulus.silent_ns) if stimulus.takes_turn else None


def stale_audio_ms(stimulus: Stimulus) -> float | None:
    """Audio of the interrupted answer received after its cancellation."""
    return stimulus.stale_audio_ms if stimulus.cancelled_ns is not None else None


def stale_heard_ms(stimulus: Stimulus) -> float | None:
    """How much of the stale audio became audible."""
    return stimulus.stale_heard_ms if stimulus.cancelled_ns is not None else None


def yielded(stimulus: Stimulus) -> float | None:
    """1 where the agent fell silent within 2.0 s of the onset; its mean over eligible interruptions is `yield_rate`.

    See `is_eligible`. An agent that only came to its own end, its answer neither cancelled nor taken out
    of the player, did not yield, however soon that was.
    """
    if not is_eligible(stimulus):
        return None
    stop_ms = elapsed_ms(stimulus.onset_ns, stimulus.silent_ns)
    ran_out = stimulus.unheard_ms <= ELIGIBLE_UNHEARD_MS and not _was_cut(stimulus)
    return float(stop_ms is not None and stop_ms <= YIELD_LIMIT_MS and not ran_out)


def missed_interruption(stimulus: Stimulus) -> float | None:
    """1 - `yielded`; its mean is `missed_interruption_rate`."""
    value = yielded(stimulus)
    return None if value is None else 1.0 - value


def false_interruption(stimulus: Stimulus) -> float | None:
    """1 where a disturbance stopped the agent within 1.0 s of its onset, or drew an answer within 2.0 s of its end.

    An agent that came to its own end was not stopped. None where nothing had happened yet when watching
    ended before the 2.0 s were over.
    """
    if not stimulus.is_disturbance:
        return None
    if _stopped_agent(stimulus) or _drew_answer(stimulus):
        return 1.0
    return 0.0 if _watched_ms(stimulus, stimulus.end_ns) >= FALSE_ANSWER_LIMIT_MS else None


def resumed(stimulus: Stimulus) -> float | None:
    """1 where the agent, stopped by a disturbance, was audible again."""
    return float(stimulus.resumed_ns is not None) if _stopped_by_disturbance(stimulus) else None


def resume_ms(stimulus: Stimulus) -> float | None:
    """End of the disturbance to the agent being audible again."""
    return elapsed_ms(stimulus.end_ns, stimulus.resumed_ns) if _stopped_by_disturbance(stimulus) else None


def post_interrupt_ms(stimulus: Stimulus) -> float | None:
    """End of the interrupting speech to the first audible sample of the new answer."""
    return elapsed_ms(stimulus.end_ns, stimulus.answer_audible_ns) if stimulus.takes_turn else None


def truncation_error_ms(stimulus: Stimulus) -> float | None:
    """`audio_end_ms` minus the audio of that item really heard; signed.

    The caller sends it; over WebRTC the service tells it, that has no way to know what is still on the line.
    """
    if stimulus.truncate_audio_end_ms is None or stimulus.truncate_heard_ms is None:
        return None
    return stimulus.truncate_audio_end_ms - stimulus.truncate_heard_ms


def truncation_rejected(stimulus: Stimulus) -> float | None:
    """1 where the service refused the truncation; its mean is `truncation_rejected_rate`."""
    return float(bool(stimulus.truncate_error)) if stimulus.truncate_sent_ns is not None else None


def is_eligible(stimulus: Stimulus) -> bool:
    """Whether an interruption could be missed: the agent had enough left to say, and was watched for long enough.

    Enough are more than 2.0 s of unheard audio, or whatever was left where the service was still
    producing the answer at the onset. How much that would have been is known only where the answer was not
    cut off, so it must not decide: near the ends of answers only those that yielded would be counted. An
    answer that was not cut off and had ended 0.5 s after the onset is left out all the same, since nobody
    could have reacted; next to none is cut off as early as that. Watched: until the agent fell silent, or
    the 2.0 s were over.
    """
    if not stimulus.takes_turn or not stimulus.response_id:
        return False
    if stimulus.silent_ns is None and _watched_ms(stimulus, stimulus.onset_ns) < YIELD_LIMIT_MS:
        return False
    if stimulus.unheard_ms > ELIGIBLE_UNHEARD_MS:
        return True
    return stimulus.was_producing and (_was_cut(stimulus) or not _ended_at_once(stimulus))


def _was_cut(stimulus: Stimulus) -> bool:
    return stimulus.flushed_ns is not None or stimulus.cancelled_ns is not None


def _ended_at_once(stimulus: Stimulus) -> bool:
    stop_ms = elapsed_ms(stimulus.onset_ns, stimulus.silent_ns)
    return stop_ms is not None and stop_ms <= REACTION_MS


def _watched_ms(stimulus: Stimulus, since_ns: int) -> float:
    return (stimulus.closed_ns - since_ns) / NS_PER_MS


def _stopped_agent(stimulus: Stimulus) -> bool:
    stop_ms = elapsed_ms(stimulus.onset_ns, stimulus.silent_ns)
    return _was_cut(stimulus) and stop_ms is not None and stop_ms <= FALSE_STOP_LIMIT_MS


def _drew_answer(stimulus: Stimulus) -> bool:
    answer_ms = elapsed_ms(stimulus.end_ns, stimulus.answer_created_ns)
    return answer_ms is not None and answer_ms <= FALSE_ANSWER_LIMIT_MS


def _stopped_by_disturbance(stimulus: Stimulus) -> bool:
    return stimulus.is_disturbance and _stopped_agent(stimulus)


def cut_in(turn: Turn) -> float | None:
    """1 where the agent became audible while the user's utterance was still running; its mean is `cut_in_rate`."""
    return float(turn.agent_cut_in)


def overlap_ms(turn: Turn) -> float | None:
    """Time for which caller and agent were both audible in the caller's utterance."""
    return turn.overlap_ms


STIMULUS_METRICS: tuple[Metric[Stimulus], ...] = (
    Metric(barge_in_detect_ms),
    Metric(barge_in_server_stop_ms),
    Metric(barge_in_heard_stop_ms),
    Metric(stale_audio_ms),
    Metric(stale_heard_ms),
    Metric(yielded, unit="rate", better="more"),
    Metric(missed_interruption, unit="rate"),
    Metric(false_interruption, unit="rate"),
    Metric(resumed, unit="rate", better="more"),
    Metric(resume_ms),
    Metric(post_interrupt_ms),
    Metric(truncation_error_ms, better="zero"),
    Metric(truncation_rejected, unit="rate"),
)

TURN_TAKING_METRICS: tuple[Metric[Turn], ...] = (
    Metric(cut_in, unit="rate"),
    Metric(overlap_ms),
)
