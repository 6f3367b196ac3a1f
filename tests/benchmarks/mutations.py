"""Mutations of messages and requests, and what became of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

STRANGE: list[Any] = [
    None, True, -1, 0, 2**63, 2**70, 1e308, -0.5, "", "x" * 300, "\u0000", "\ud83d", [], {}, [[]], {"type": 3}, "AAA=",
]  # fmt: skip


@dataclass
class Fuzzed:
    """What became of the messages."""

    messages: int = 0
    sessions: int = 0
    malformed: int = 0
    refused: int = 0
    answered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of sessions; over HTTP: status codes."""

    turns: Counter[str] = field(default_factory=Counter)
    """Of the caller's, by outcome."""

    classes: Counter[str] = field(default_factory=Counter)
    """Of sessions that failed or were dropped."""

    broken: list[str] = field(default_factory=list)
    """What must not have happened."""


def mutated(message: dict[str, Any], rng: random.Random) -> bytes:
    """A message with something wrong in it: a value, a key, its JSON, or its bytes; some are left whole."""
    if rng.random() < 0.3:
        return json.dumps(message).encode()
    changed = json.loads(json.dumps(message))
    for _ in range(rng.randrange(1, 4)):
        place: Any = changed
        while True:
            inner = [key for key in place if isinstance(place[key], dict)] if isinstance(place, dict) else []
            if not inner or rng.random() < 0.5:
                break
            place = place[rng.choice(inner)]
        if not place:
            break
        key = rng.choice(list(place))
        if rng.random() < 0.3:
            del place[key]
        elif rng.random() < 0.2:
            place[str(rng.choice(STRANGE))[:20]] = rng.choice(STRANGE)
        else:
            place[key] = rng.choice(STRANGE)
    data = json.dumps(changed).encode()
    if rng.random() < 0.15:
        at = rng.randrange(len(data) + 1)
        data = (
            data[:at]
            + rng.choice([b"", b"\xff", b"{", b'"', b"\x00", b"," * 30])
            + data[at + rng.randrange(3) :]
        )
    return data


def changed(data: bytes, rng: random.Random) -> bytes:
    """A few bytes of it replaced, inserted or left out."""
    new = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(max(1, len(new) - 4))
        new[at : at + rng.randrange(3)] = bytes(rng.randrange(256) for _ in range(rng.randrange(4)))
    return bytes(new)
