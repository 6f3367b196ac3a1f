"""The options of `rtbench run` that judge or limit it: thresholds, baseline, budget."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rtbench.cli.argument import seconds
from rtbench.cli.budget import add_budget_options, read_meter, tell_estimate

if TYPE_CHECKING:
    from rtbench.scenario.budget import BudgetMeter
    from rtbench.scenario.guard import Guard
    from rtbench.scenario.shape import Shape
    from rtbench.scenario.threshold import Threshold


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    """`--threshold`, for every command that judges."""
    parser.add_argument(
        "--threshold",
        dest="thresholds",
        action="append",
        default=[],
        metavar="METRIC:STATISTIC<LIMIT",
        help="judge by this too, such as 'voice_to_voice_ms{turn_kind=tool}:p95<800'; more than once for several",
    )


def add_baseline_options(parser: argparse.ArgumentParser) -> None:
    """`--baseline` and what belongs to it."""
    parser.add_argument(
        "--baseline",
        metavar="RUN|DIR|latest",
        help="compare with an earlier run, with those in a folder that can be compared, or with the latest of the same folder",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit code 7 where the comparison with the baseline is inconclusive",
    )
    parser.add_argument(
        "--allow-invalid", action="store_true", help="compare runs that are INVALID with the baseline too"
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    add_threshold_option(parser)
    parser.add_argument(
        "--abort-on-fail",
        metavar="TIME",
        help="end the run as soon as any threshold does not hold, but not before this time, such as '30 s'",
    )
    add_baseline_options(parser)
    add_budget_options(parser)


def read_thresholds(args: argparse.Namespace) -> tuple[Threshold, ...]:
    """Those of the command line. Raises UsageError for one that cannot be meant."""
    from rtbench.scenario.threshold import parse_threshold

    return tuple(map(parse_threshold, args.thresholds))


@dataclass(frozen=True)
class Judging:
    """What the command line judges and limits its runs by."""

    thresholds: tuple[Threshold, ...]
    meter: BudgetMeter | None
    """One for all scenarios of the command line."""

    abort_after_s: float | None

    @classmethod
    def read(cls, args: argparse.Namespace) -> Self:
        """From the options. Raises UsageError where they cannot be meant, before anything is started."""
        thresholds, abort_after_s = read_thresholds(args), _abort_after_s(args)
        if args.baseline is not None:
            from rtbench.report.baseline import check_baseline

            check_baseline(args.baseline, args.out)
        return cls(thresholds, read_meter(args), abort_after_s)

    def check_baseline(
        self,
        args: argparse.Namespace,
        paths: Sequence[Path],
        duration_s: float | None,
        shape: Shape | None,
    ) -> None:
        """Before the first of several runs. Raises UsageError where the run that is their baseline does not fit one of them."""
        if args.baseline is None:
            return
        from rtbench.cli.planned_run import planned_run
        from rtbench.report.baseline import check_fits

        for path in paths:
            planned = planned_run(args, path, duration_s, shape)
            check_fits(args.baseline, planned, f"a run of {path.name}", allow_invalid=args.allow_invalid)

    def check_money(self, paths: Sequence[Path]) -> None:
        """Before the first of several runs. Raises UsageError where money is limited and a model of any has no price."""
        from rtbench.scenario.load import load_scenario

        for path in paths:
            if self.meter is not None:
                self.meter.begin(load_scenario(path))

    def begin(
        self, args: argparse.Namespace, path: Path, duration_s: float | None, shape: Shape | None
    ) -> list[Guard]:
        """What may end the run of a scenario before its time; what it may come to is told where that is money.

        Raises UsageError where money is limited and the model has no price.
        """
        from rtbench.scenario.estimate import estimate
        from rtbench.scenario.live_threshold import LiveThresholds
        from rtbench.scenario.load import load_scenario

        scenario = load_scenario(path)
        thresholds = [*scenario.thresholds, *self.thresholds]
        if self.abort_after_s is not None:
            early = (threshold for threshold in thresholds if threshold.may_abort)
            thresholds = [replace(threshold, abort_after_s=self.abort_after_s) for threshold in early]
        live = LiveThresholds(thresholds, target=args.target, transport=args.transport or scenario.transport)
        if self.meter is not None:
            self.meter.begin(scenario)
        tell_estimate(args, estimate(scenario, args.users, duration_s, shape))
        return [live] if self.meter is None else [live, self.meter]


def _abort_after_s(args: argparse.Namespace) -> float | None:
    return None if args.abort_on_fail is None else seconds("--abort-on-fail", args.abort_on_fail)
