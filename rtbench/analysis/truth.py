"""The truth about a run against the emulator: what each turn's delay was made to be, beside what was measured."""

from __future__ import annotations

import pandas as pd

from rtbench.core.metrics.metric import NS_PER_MS

KEYS = ["session_id", "response_id"]

_INSTANTS = ["endpoint_received_ns", "first_audio_sent_ns"]
_NUMBERS = ["endpoint_sample", "input_rate_hz", "audible_offset_ms"]


def with_truth(turns: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """`turns` with `true_voice_to_voice_ms` and `voice_to_voice_error_ms` (measured minus true).

    Both are NaN for turns without a row in `truth`, the emulator's log. The emulator's clock and ours
    are never subtracted from each other. The true delay is the sum of

    - audio between the last speech sample and the sample at which the emulator ended the turn, counted
      in samples of the session's input stream;
    - the emulator's own time from the arrival of that sample to the sending of the first audio;
    - the silence that it put before the first audible sample;
    - the time for which our own player held that sample back.
    """
    if not {*KEYS, *_INSTANTS, *_NUMBERS} <= set(truth.columns):
        return turns.assign(true_voice_to_voice_ms=float("nan"), voice_to_voice_error_ms=float("nan"))
    known = truth.dropna(subset=KEYS).drop_duplicates(KEYS, keep="last")
    received_ns, sent_ns = (known[name].astype("Int64") for name in _INSTANTS)
    applied = known[KEYS].assign(
        response_ms=((sent_ns - received_ns) / NS_PER_MS).astype(float),
        **{name: pd.to_numeric(known[name]).astype(float) for name in _NUMBERS},
    )
    joined = turns[[*KEYS, "speech_end_sample"]].merge(applied, how="left", on=KEYS, validate="many_to_one")
    joined.index = turns.index
    endpoint_samples = joined["endpoint_sample"] - joined["speech_end_sample"].astype(float)
    true_ms = (
        endpoint_samples / joined["input_rate_hz"] * 1000
        + joined["response_ms"]
        + joined["audible_offset_ms"]
        + turns["playout_wait_ms"].astype(float)
    )
    return turns.assign(
        true_voice_to_voice_ms=true_ms,
        voice_to_voice_error_ms=turns["voice_to_voice_ms"].astype(float) - true_ms,
    )
