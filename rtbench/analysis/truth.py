"""The truth about a run against the emulator: what each delay was made to be, beside what was measured.

The emulator's clock and ours are never subtracted from each other: what lies between them is counted in
samples of the session's input stream, which both ends know.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rtbench.core.metrics.metric import NS_PER_MS

KEYS = ["session_id", "response_id"]

_INSTANTS = ["endpoint_received_ns", "first_audio_sent_ns"]
_NUMBERS = ["endpoint_sample", "input_rate_hz", "audible_offset_ms"]

INTERRUPTION_METRICS = ("barge_in_detect_ms", "barge_in_server_stop_ms")
"""Metrics of an interruption that the emulator's log knows the truth of."""

_DECIDED = "interruption_decided_sample"
_INTERRUPTION_INSTANTS = [
    "interruption_received_ns",
    "interruption_speech_started_sent_ns",
    "last_audio_sent_ns",
    "response_done_sent_ns",
]


def error_column(metric: str) -> str:
    """The column of measured minus true `metric`."""
    return f"{metric.removesuffix('_ms')}_error_ms"


def with_truth(turns: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """`turns` with `true_voice_to_voice_ms` and `voice_to_voice_error_ms` (measured minus true).

    Both are NaN for turns without a row in `truth`, the emulator's log. The true delay is the sum of

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
    applied = known[KEYS].assign(response_ms=_elapsed_ms(received_ns, sent_ns), **_as_floats(known, _NUMBERS))
    joined = _joined(turns[[*KEYS, "speech_end_sample"]], applied)
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


def with_interruption_truth(stimuli: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """`stimuli` with the true value and the error of each of INTERRUPTION_METRICS.

    They are NaN for a stimulus that the emulator did not take for an interruption: of several in one
    response only the last before its decision was. Both true delays begin with the audio between the
    first sample of the sound and the sample at which the emulator decided. To it is added the
    emulator's own time from the arrival of that sample until it had sent

    - `speech_started`, for the detection;
    - the response's last audio or its `response.done`, whichever was later, for the stop.
    """
    true_ms = dict.fromkeys(INTERRUPTION_METRICS, pd.Series(float("nan"), index=stimuli.index))
    if {*KEYS, _DECIDED, "input_rate_hz", *_INTERRUPTION_INSTANTS} <= set(truth.columns):
        known = truth.dropna(subset=[*KEYS, _DECIDED]).drop_duplicates(KEYS, keep="last")
        received_ns, started_ns, audio_ns, done_ns = (
            known[name].astype("Int64") for name in _INTERRUPTION_INSTANTS
        )
        last_ns = done_ns.mask((audio_ns > done_ns).fillna(False), audio_ns).fillna(audio_ns)
        applied = known[KEYS].assign(
            detect_ms=_elapsed_ms(received_ns, started_ns),
            stop_ms=_elapsed_ms(received_ns, last_ns),
            **_as_floats(known, [_DECIDED, "input_rate_hz"]),
        )
        joined = _joined(stimuli[[*KEYS, "onset_sample"]], applied)
        samples = (joined[_DECIDED] - joined["onset_sample"].astype(float)).where(_caused(joined))
        heard_ms = samples / joined["input_rate_hz"] * 1000
        true_ms = dict(
            zip(
                INTERRUPTION_METRICS,
                (heard_ms + joined["detect_ms"], heard_ms + joined["stop_ms"]),
                strict=True,
            )
        )
    columns = {f"true_{name}": values for name, values in true_ms.items()}
    errors = {error_column(name): stimuli[name].astype(float) - values for name, values in true_ms.items()}
    return stimuli.assign(**columns, **errors)


def _caused(joined: pd.DataFrame) -> pd.Series:
    """Whether a stimulus is the one that the emulator decided on: of a response's, the last that began before."""
    onset = joined["onset_sample"].astype(float)
    before = onset.where(onset <= joined[_DECIDED])
    return before.eq(before.groupby([joined[key] for key in KEYS]).transform("max"))


def _joined(rows: pd.DataFrame, applied: pd.DataFrame) -> pd.DataFrame:
    joined = rows.merge(applied, how="left", on=KEYS, validate="many_to_one")
    joined.index = rows.index
    return joined


def _elapsed_ms(start_ns: pd.Series, end_ns: pd.Series) -> pd.Series:
    return ((end_ns - start_ns) / NS_PER_MS).astype(float)


def _as_floats(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series]:
    return {name: pd.to_numeric(rows[name]).astype(float) for name in names}
