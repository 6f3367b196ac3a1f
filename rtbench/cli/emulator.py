"""`rtbench emulator`: serve the emulator by itself."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from rtbench.core.errors import ExitCode, UsageError

KEY_VARIABLE = "RTBENCH_EMULATOR_KEY"
DEFAULT_PORT = 8080

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Read by numpy's linear algebra when it is loaded. Its threads wait for more work by spinning, and would
take the CPU from those who measure; the emulator's products are small."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `emulator`."""
    parser = subparsers.add_parser(
        "emulator",
        help="serve the emulator by itself",
        description="Serve a realtime speech-to-speech API that listens and speaks, with delays that are known. "
        f"It takes any key, or only the one in the environment variable {KEY_VARIABLE}.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--profile", default="default", help="name or file of how it behaves (default: %(default)s)"
    )
    parser.add_argument(
        "--settings",
        default="{}",
        metavar="JSON",
        help="keys of a profile, over those of --profile",
    )
    parser.add_argument(
        "--corpus", default="english", help="name or folder of what it says and knows (default: %(default)s)"
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="append what was truly applied, one JSON object per response"
    )
    parser.add_argument(
        "--tls", action="store_true", help="serve https and wss, with a certificate of its own"
    )
    parser.add_argument(
        "--prepare",
        type=_codecs,
        default=("opus",),
        metavar="CODECS",
        help="opus, pcmu, pcma or several with commas: be ready for WebRTC calls in these before saying so; "
        "others are when the first call wants them, '' for all (default: opus)",
    )
    parser.add_argument("--announce", action="store_true", help="print the address as JSON when ready")
    parser.add_argument("--parent-pipe", action="store_true", help="stop when standard input ends")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped. Raises UsageError for settings that cannot be used and a port that is taken."""
    for variable in BLAS_THREADS:
        os.environ.setdefault(variable, "1")
    from rtbench.corpus.folder import find_corpus
    from rtbench.emulator.profile_file import find_profile, read_profile
    from rtbench.emulator.serving import Serving, serve

    serve(
        Serving(
            profile=read_profile(find_profile(args.profile), _settings(args.settings)),
            corpus=find_corpus(args.corpus),
            host=args.host,
            port=args.port,
            key=os.environ.get(KEY_VARIABLE) or None,
            log=args.log,
            announce=args.announce,
            parent_pipe=args.parent_pipe,
            tls=args.tls,
            codecs=args.prepare,
        )
    )
    return ExitCode.PASS


def _port(written: str) -> int:
    try:
        port = int(written)
    except ValueError:
        port = -1
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {written!r}")
    return port


def _codecs(written: str) -> tuple[str, ...]:
    from rtbench.core.codec import CODECS

    names = tuple(filter(None, written.split(",")))
    unknown = [name for name in names if name not in CODECS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown codec {unknown[0]!r}; there are {', '.join(CODECS)}")
    return names


def _settings(written: str) -> dict[str, Any]:
    try:
        settings = json.loads(written)
    except ValueError as error:
        raise UsageError(f"--settings: not valid JSON: {error}") from None
    if not isinstance(settings, dict):
        raise UsageError("--settings: must be a JSON object of profile keys")
    return settings
