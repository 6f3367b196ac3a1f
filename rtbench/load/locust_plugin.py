"""What plain `locust` needs of rtbench: a bench for its environment, attached when Locust is ready for one.

Nothing is started at import: `--processes` forks after the locustfile is imported and before the
`init` event.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from rtbench.core.errors import RtbenchError
from rtbench.load.bench import Bench
from rtbench.load.run_keeper import RunSettings

_logger = logging.getLogger(__name__)
_registered = False


def register() -> None:
    """Ask Locust to call us when an environment is ready; once, however often RealtimeUser is imported."""
    global _registered  # noqa: PLW0603  # Locust's own hook is a module's global as well
    if not _registered:
        _registered = True
        events.init.add_listener(_attach)


def _attach(environment: Environment, **_: Any) -> None:
    try:
        Bench.attach(environment, RunSettings(), on_failure=partial(_give_up, environment))
    except RtbenchError as error:
        _logger.error(str(error))
        raise SystemExit(int(error.exit_code)) from None


def _give_up(environment: Environment, error: RtbenchError) -> None:
    """Stop the test; without a web page, where another one could be started, the process as well."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        return  # the master, who is told, decides
    _logger.error(str(error))
    environment.process_exit_code = int(error.exit_code)
    if runner is not None:
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)
