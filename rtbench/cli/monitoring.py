"""The options of `rtbench run` by which others watch it by machine: `--prometheus` and `--otlp`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtbench.load.monitoring import Monitoring


def add_monitoring_options(parser: argparse.ArgumentParser) -> None:
    """Both of them."""
    parser.add_argument(
        "--prometheus",
        metavar="[HOST:]PORT",
        help="serve /metrics there while the run lasts, on loopback where no host is named",
    )
    parser.add_argument(
        "--otlp",
        metavar="URL",
        help="push metrics to an OpenTelemetry collector while the run lasts, such as http://127.0.0.1:4318",
    )


def read_monitoring(args: argparse.Namespace) -> Monitoring:
    """From the options. Raises UsageError where they cannot be meant, or where their extra is not installed."""
    from rtbench.load.monitoring import Monitoring

    return Monitoring.read(args.prometheus, args.otlp)
