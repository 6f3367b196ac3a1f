"""`rtbench run`: hold a scenario's conversations, report on them, and judge them by the exit code."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.cli.argument import positive_int, positive_seconds
from rtbench.cli.judgement import report_run
from rtbench.cli.monitoring import add_monitoring_options, read_monitoring
from rtbench.cli.mos import add_mos_option, check_mos, score_end
from rtbench.cli.run_judging import Judging, add_run_options
from rtbench.core.errors import ExitCode, RtbenchError, UsageError
from rtbench.scenario.amount import positive_amount

if TYPE_CHECKING:
    from rtbench.corpus.folder import Corpus
    from rtbench.load.run import RunEnd
    from rtbench.scenario.model import Scenario
    from rtbench.scenario.shape import Shape
    from rtbench.scenario.transport import CodecName, TransportName


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "run",
        help="run scenarios and report on them",
        description="Run scenarios one after the other; each leaves a directory with its rows and its report.",
    )
    parser.add_argument("scenarios", metavar="SCENARIO", nargs="+", type=Path, help="scenario file (YAML)")
    parser.add_argument(
        "--target",
        default="emulator",
        help="emulator (default: one is started for the run), openai, azure, or a base URL such as http://127.0.0.1:8080/v1",
    )
    parser.add_argument("--users", type=positive_int, metavar="N", help="callers at the same time")
    parser.add_argument("--spawn-rate", type=positive_amount, metavar="N", help="new callers per second")
    parser.add_argument(
        "--duration",
        metavar="TIME",
        help="how long, such as '30 s' or '5 min'; callers call again until then",
    )
    parser.add_argument(
        "--shape",
        metavar="KIND:KEY=VALUE,...",
        help="closed, ramp, steps, spike, soak, open or replay, in place of --users and --duration; "
        "for instance ramp:users=50,over=2min or open:rate=2.5,cap=200,lasts=5min",
    )
    parser.add_argument(
        "--workers", type=positive_int, default=1, metavar="N", help="processes that hold calls (default: 1)"
    )
    parser.add_argument(
        "--transport", choices=["websocket", "webrtc"], default="", help="default: as the scenario says"
    )
    parser.add_argument(
        "--codec",
        choices=["opus", "pcmu", "pcma"],
        default="",
        help="over WebRTC; default: as the scenario says",
    )
    parser.add_argument(
        "--network",
        metavar="PRESET",
        help="network between callers and service: wifi, 4g, 3g, satellite, congested or train; default: as the scenario says",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="where the run's directory goes"
    )
    parser.add_argument(
        "--web",
        type=_port,
        nargs="?",
        const=8089,
        metavar="PORT",
        help="Locust's web page on loopback (default port: 8089)",
    )
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    add_run_options(parser)
    add_mos_option(parser)
    add_monitoring_options(parser)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Run every scenario; the exit code of the first that did not pass, 0 where all did."""
    judging = Judging.read(args)
    check_scenarios(args.scenarios, args.transport, args.codec)
    judging.check_money(args.scenarios)
    check_mos(args, args.scenarios)
    read_monitoring(args)
    duration_s = positive_seconds("--duration", args.duration)
    shape = _shape(args)
    codes = []
    with tempfile.TemporaryDirectory(prefix="rtbench-") as folder:
        scenarios = args.scenarios
        if args.network:
            folders = (Path(folder, str(number)) for number in range(len(scenarios)))
            scenarios = [_behind(args.network, *each) for each in zip(scenarios, folders, strict=True)]
        judging.check_baseline(args, scenarios, duration_s, shape)
        for scenario in scenarios:
            codes.append(_run_one(args, scenario, duration_s, shape, judging))
            if codes[-1] in (ExitCode.INTERRUPTED, ExitCode.BUDGET):
                break
    return next((code for code in codes if code != ExitCode.PASS), ExitCode.PASS)


def check_scenarios(
    paths: Sequence[Path], transport: TransportName | None = None, codec: CodecName | None = None
) -> None:
    """Everything that can be seen to be wrong with them, so held, before a process is started for them."""
    from rtbench.cli.fault_check import check_faults
    from rtbench.scenario.clips import check_clips, open_corpus, script_clips
    from rtbench.scenario.load import load_scenarios

    for scenario in load_scenarios(paths):
        check_faults(scenario.held_over(transport or None, codec or None))
        corpus = open_corpus(scenario)
        check_clips(scenario, corpus)
        corpus.load(script_clips(scenario, corpus))
        _check_emulator(scenario, corpus)


def _check_emulator(scenario: Scenario, corpus: Corpus) -> None:
    from pydantic import ValidationError

    from rtbench.emulator.profile import Profile
    from rtbench.scenario.fault import fault_location, fault_sentence

    try:
        profile = Profile.model_validate(scenario.emulator)
    except ValidationError as error:
        details = error.errors()[0]
        existing, beyond = fault_location(details)
        raise scenario.error(("emulator", *existing, *beyond), fault_sentence(details)) from None
    for position, name in enumerate(profile.replies):
        try:
            corpus.entry(name)
        except UsageError as error:
            raise scenario.error(("emulator", "replies", position), str(error)) from None


def _run_one(
    args: argparse.Namespace, scenario: Path, duration_s: float | None, shape: Shape | None, judging: Judging
) -> int:
    from rich.console import Console

    from rtbench.load.run import RunOptions, run

    guards = judging.begin(args, scenario, duration_s, shape)

    console = Console(stderr=True)
    end = run(
        RunOptions(
            scenario=scenario,
            target=args.target,
            transport=args.transport,
            codec=args.codec,
            out=args.out,
            command=("rtbench", *sys.argv[1:]),
            users=args.users,
            spawn_rate=args.spawn_rate,
            duration_s=duration_s,
            workers=args.workers,
            web_port=args.web,
            shape=shape,
            thresholds=judging.thresholds,
            guards=guards,
            with_parent=args.with_parent,
            monitoring=read_monitoring(args),
        ),
        console,
    )
    return _report(end, args)


def _behind(network: str, scenario: Path, folder: Path) -> Path:
    """The same scenario over another network, as a file in a folder of its own."""
    from rtbench.scenario.effective import effective_text
    from rtbench.scenario.load import load_scenario

    changed = load_scenario(scenario, overrides={"network": network})
    assert changed.source is not None
    folder.mkdir()
    path = folder / scenario.name
    path.write_text(effective_text(changed.source), encoding="utf-8")
    return path


def _report(end: RunEnd, args: argparse.Namespace) -> int:
    """Make and print the report of whatever was written, then say why the run ended, if it was cut short."""
    code = ExitCode.INVALID
    cut_short = end.failure is not None or end.interrupted
    try:
        if end.directory is not None:
            score_end(args, end.directory)
            # What a run with a parent comes to is told by the parent, with its own and in its own words.
            code = report_run(args, end.directory, compare=not cut_short, publish=not args.with_parent)
    except RtbenchError:
        if end.failure is None:
            raise  # else that is why it could not be made: a full disk, for instance
    if end.failure is not None:
        print(f"rtbench: {end.failure}", file=sys.stderr)
        by_threshold = end.failure.exit_code == ExitCode.THRESHOLD_FAILED
        return code if by_threshold and code == ExitCode.INVALID else end.failure.exit_code
    if end.interrupted:
        print("rtbench: interrupted; the report covers what was finished", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return code


def _shape(args: argparse.Namespace) -> Shape | None:
    from rtbench.scenario.shape import parse_shape

    if args.shape is None:
        return None
    for name in ("users", "spawn_rate", "duration"):
        if getattr(args, name) is not None:
            raise UsageError(f"--shape says how many call and how long; leave --{name.replace('_', '-')} out")
    return parse_shape(args.shape).read_trace(Path())


def _port(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 65_535:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, not '{written}'")
    return int(written)
