"""The door: who is let in, at the upgrade or with an offer, and how those are treated who are not. Pure; one for all of a service.

Its faults are shared by all callers: `most: 3` refuses three connections, whoever makes them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rtbench.emulator.fault_log import FaultRow
from rtbench.emulator.line_faults import At, LineFault


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one request."""

    wait_ns: int = 0
    """Before it is answered."""

    cut: bool = False
    """Instead of an answer."""

    status: int | None = None
    """HTTP status of the refusal; None lets the caller in."""

    retry_after_s: float | None = None


class Door:
    """Decides on every request, and keeps what it did wrong."""

    def __init__(self, faults: Iterable[LineFault], seed: str) -> None:
        self._faults = [fault for fault in faults if fault.when == "door"]
        self._orders: list[LineFault] = []
        self._rng = random.Random(f"{seed}/door")
        self._struck: Counter[int] = Counter()
        self._rows: list[FaultRow] = []

    def order(self, fault: LineFault) -> None:
        """A scenario wants this at the next requests: so many as its `most` says, else one."""
        self._orders += [fault] * (fault.most or 1)

    def decide(self, model: str, now: int, at: At = "upgrade") -> Verdict:
        """What happens to a request for a session with this model; `at` says which one of a caller's it is."""
        ordered = next((fault for fault in self._orders if _concerns(fault, model, at)), None)
        if ordered is not None:
            self._orders.remove(ordered)
            return self._strike(ordered, now, ordered=True)
        for number, fault in enumerate(self._faults):
            is_spent = fault.most is not None and self._struck[number] >= fault.most
            if is_spent or not _concerns(fault, model, at):
                continue
            if self._rng.random() < fault.rate:
                self._struck[number] += 1
                return self._strike(fault, now, ordered=False)
        return Verdict()

    def take_rows(self) -> list[FaultRow]:
        """What struck since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _strike(self, fault: LineFault, now: int, *, ordered: bool) -> Verdict:
        wait_ms = fault.lasts.draw_ms(self._rng) if fault.lasts is not None else 0.0
        status = fault.settings.get("status")
        setting = f"{wait_ms:g} ms" if fault.kind == "slow_upgrade" else str(status or "")
        self._rows.append(FaultRow(fault.kind, now, setting=setting, ordered=ordered))
        return Verdict(
            wait_ns=round(wait_ms * 1e6),
            cut=fault.kind == "refuse",
            status=status,
            retry_after_s=fault.settings.get("retry_after"),
        )


def _concerns(fault: LineFault, model: str, at: At) -> bool:
    wanted, place = fault.settings.get("model", ""), fault.settings.get("at", "")
    return wanted in ("", model) and place in ("", at)
