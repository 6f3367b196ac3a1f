"""What plain `locust` needs of rtbench: a bench for its environment, attached when Locust is ready for one.

Nothing is started at import: `--processes` forks after the locustfile is imported and before the
`init` event.
"""

from __future__ import annotations

from typing import Any

from locust import events
from locust.env import Environment

from rtbench.load.bench import Bench, BenchSettings

_registered = False


def register() -> None:
    """Ask Locust to call us when an environment is ready; once, however often RealtimeUser is imported."""
    global _registered  # noqa: PLW0603  # Locust's own hook is a module's global as well
    if not _registered:
        _registered = True
        events.init.add_listener(_attach)


def _attach(environment: Environment, **_: Any) -> None:
    Bench.attach(environment, BenchSettings())
