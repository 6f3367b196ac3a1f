"""The session that is fallen back to: the same conversation in writing, with what is left of its script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rtbench.core.script import (
    Disturb,
    Drop,
    Interrupt,
    OrderFault,
    Pause,
    Say,
    Script,
    SessionConfig,
    StaySilent,
    Step,
    Write,
)


def in_writing(script: Script) -> Script:
    """The script for a session of text: what was to be said is written, and what only sounds is left out."""
    return replace(script, steps=tuple(_written(script.steps)), session=_text_session(script.session))


def _written(steps: Iterable[Step]) -> Iterable[Step]:
    for step in steps:
        match step:
            case Say():
                yield Write(step.clip, step.asks_for)
            case Interrupt() | Disturb() | Drop() | OrderFault():
                continue
            case StaySilent(duration_ns):
                yield Pause(duration_ns)
            case _:
                yield step


def _text_session(session: SessionConfig) -> SessionConfig:
    kept: Mapping[str, Any] = {name: value for name, value in session.settings.items() if name != "audio"}
    settings = {
        "type": "realtime",
        **kept,
        "output_modalities": ["text"],
        "audio": {"input": {"turn_detection": None}},
    }
    return replace(session, settings=settings, manual_turns=True, spoken_answers=False, in_writing=True)
