"""`rtbench worker`: join a distributed run."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

MASTER_PORT = 5557
"""Where a Locust master listens unless told otherwise."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "worker",
        help="join a distributed run",
        description="Hold calls for a master that `locust --master` started, on this machine or another, as "
        "`locust --worker` does. `rtbench run --workers` starts its workers by itself, and takes no others.",
    )
    parser.add_argument(
        "source", metavar="FILE", type=Path, help="the master's locustfile, or the scenario that it names"
    )
    parser.add_argument(
        "--master", required=True, type=_master, metavar="HOST[:PORT]", help="where the master listens"
    )
    parser.add_argument("--port", type=_port, help=f"the same port apart (default: {MASTER_PORT})")
    parser.add_argument(
        "--user-class",
        default="",
        metavar="NAME",
        help="with a scenario: what the locustfile calls its user (Caller)",
    )
    parser.add_argument("--until-stopped", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Work until the master says quit."""
    from rtbench.load.worker import WorkerOptions, work

    host, port = args.master
    if not args.with_parent:
        _tell_if_absent(host, args.port or port)
    work(
        WorkerOptions(
            source=args.source,
            master_host=host,
            master_port=args.port or port,
            user_class=args.user_class,
            until_stopped=args.until_stopped,
            with_parent=args.with_parent,
        )
    )
    return 0


def _tell_if_absent(host: str, port: int) -> None:
    """Workers may be started before their master, and wait for it: that they do is said once."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        reason = error.strerror or error
        print(f"rtbench: no master answers at {host}:{port} yet ({reason}); waiting for it", file=sys.stderr)


def _master(written: str) -> tuple[str, int]:
    """Host and port; an IPv6 address with a port is in brackets."""
    host, colon, port = written.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = written, str(MASTER_PORT)
    return host.removeprefix("[").removesuffix("]"), _port(port)


def _port(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 65_535:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, not '{written}'")
    return int(written)
