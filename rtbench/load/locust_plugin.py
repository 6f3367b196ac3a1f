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
from rtbench.load.live_tables import LiveTables
from rtbench.load.purse import Purse, add_options
from rtbench.load.run_keeper import RunSettings
from rtbench.load.web_tabs import add_tabs

_logger = logging.getLogger(__name__)
_registered = False


def register() -> None:
    """Ask Locust to call us when an environment is ready; once, however often RealtimeUser is imported."""
    global _registered  # noqa: PLW0603  # Locust's own hook is a module's global as well
    if not _registered:
        _registered = True
        events.init_command_line_parser.add_listener(_add_options)
        events.init.add_listener(_attach)


def _add_options(parser: Any, **_: Any) -> None:
    add_options(parser)


def _attach(environment: Environment, **_: Any) -> None:
    try:
        purse = Purse(environment.parsed_options)
        tables = LiveTables()

        def watch(table: str, row: dict[str, Any]) -> None:
            if environment.web_ui is not None:
                tables.take(table, row)
            purse.take(table, row)
            if (reached := purse.reached()) is not None:
                Bench.of(environment).give_up(reached)

        failed = partial(_give_up, environment)
        Bench.attach(environment, RunSettings(), watch=watch, on_failure=failed, admit=purse.admit)
    except RtbenchError as error:
        _logger.error(str(error))
        raise SystemExit(int(error.exit_code)) from None
    if environment.web_ui is not None and Bench.of(environment).scenarios():
        add_tabs(environment.web_ui, tables)
        environment.events.test_start.add_listener(lambda **_: tables.begin())


def _give_up(environment: Environment, error: RtbenchError) -> None:
    """Stop the test; without a web page, where another one could be started, the process as well."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        return  # the master, who is told, decides
    _logger.error(str(error))
    environment.process_exit_code = int(error.exit_code)
    if runner is not None:
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)
