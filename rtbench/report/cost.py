"""What is told of a run's cost in words and numbers, the same in the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rtbench.analysis.cost import KINDS, Cost
from rtbench.report import notation
from rtbench.scenario.prices import PRICES_AS_OF

NOTE = (
    f"By the tokens that the service reported with every answer, at the model's published prices as of {PRICES_AS_OF}; "
    "transcription, taxes and discounts are not in it. An emulator charges nothing: there it is what the same tokens "
    "would have cost."
)


def cost_facts(found: Cost) -> Iterator[tuple[str, str]]:
    """Name and value of each fact."""
    yield "In all", notation.money(found.usd)
    yield "Per call minute", f"{notation.money(found.usd_per_minute)} (of {found.call_minutes:,.1f} min)"
    yield "Per session", f"{notation.money(found.usd_per_session)} (of {found.sessions:,})"
    for kind, told in KINDS.items():
        yield f"Tokens, {told}", f"{found.tokens[kind]:,}"
