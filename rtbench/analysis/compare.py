"""The comparison of runs: did the service become worse, in figures that callers mind, and how sure is that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtbench.analysis.comparability import refuse_incomparable, refuse_invalid
from rtbench.analysis.compare_gate import DEFAULT_GATES, Gate, Margins
from rtbench.analysis.compare_metric import Change, MetricComparison, adjusted, compare_figures
from rtbench.analysis.compare_side import Side
from rtbench.analysis.health import generator_health
from rtbench.analysis.holm import holm
from rtbench.analysis.samples import Rows
from rtbench.analysis.shift import Shift, shift_function
from rtbench.analysis.verdict import Verdict, judge
from rtbench.core.errors import ExitCode, UsageError
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation

SHIFTED = Gate("voice_to_voice_ms", "p50")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Base against run."""

    base: list[str]
    """Names of the runs, the oldest first."""

    run: list[str]
    change: Change
    """REGRESSED if a figure is; else INCONCLUSIVE if one is, or there is none; else OK."""

    metrics: list[MetricComparison]
    shift: list[Shift]
    notes: list[str]
    """What differs and may, and what the intervals do not hold."""

    @property
    def sentence(self) -> str:
        """The comparison in one plain sentence."""
        if not self.base:
            return f"{_counted(self.run)} has no baseline: {' '.join(self.notes)}"
        of = f"{_counted(self.run)} against {_counted(self.base)}"
        named = [metric for metric in self.metrics if metric.change is self.change]
        match self.change:
            case Change.REGRESSED:
                return f"{of}: {', '.join(str(metric.gate) for metric in named)} got worse by more than the margin."
            case Change.OK:
                better = [str(metric.gate) for metric in self.metrics if metric.improved]
                improved = f"; {', '.join(better)} improved" if better else ""
                return f"{of}: nothing got worse by as much as the margin{improved}."
            case Change.INCONCLUSIVE:
                if not named:
                    return f"{of}: there is no figure to compare."
                needed = [metric.sessions_needed for metric in named]
                enough = [count for count in needed if count is not None]
                told = (
                    f"; about {max(enough):,} sessions on each side would tell"
                    if len(enough) == len(needed)
                    else ""
                )
                return f"{of}: {', '.join(str(metric.gate) for metric in named)} cannot be told{told}."

    def exit_code(self, *, strict: bool) -> ExitCode:
        """3 for a regression, 7 for an inconclusive comparison where that matters, else 0."""
        if self.change is Change.REGRESSED:
            return ExitCode.REGRESSION
        if self.change is Change.INCONCLUSIVE and strict:
            return ExitCode.INCONCLUSIVE
        return ExitCode.PASS


def compare(
    base: Sequence[Run],
    run: Sequence[Run],
    gates: Sequence[Gate] = DEFAULT_GATES,
    margins: Margins | None = None,
    *,
    allow_invalid: bool = False,
) -> Comparison:
    """Compare two sides of one run or several. Raises UsageError where they cannot be compared."""
    if twice := {each.directory.path.resolve() for each in base} & {
        each.directory.path.resolve() for each in run
    }:
        raise UsageError(f"{min(twice).name} is on both sides of the comparison.")
    if not allow_invalid:
        for each in (*base, *run):
            refuse_invalid(each, verdict_of(each))
    refuse_incomparable(base[0], (*base[1:], *run))
    before, after = Side([Rows.of(each) for each in base], 1), Side([Rows.of(each) for each in run], 2)
    compared = [
        compare_figures(a, b, margins or Margins())
        for gate in gates
        if (a := before.figure(gate)).n + (b := after.figure(gate)).n
    ]
    metrics = _adjusted(compared)
    changes = {metric.change for metric in metrics} or {Change.INCONCLUSIVE}
    change = next(each for each in (Change.REGRESSED, Change.INCONCLUSIVE, Change.OK) if each in changes)
    return Comparison(
        base=[each.name for each in base],
        run=[each.name for each in run],
        change=change,
        metrics=metrics,
        shift=shift_function(before.figure(SHIFTED), after.figure(SHIFTED)),
        notes=_notes(base, run),
    )


def verdict_of(run: Run) -> Verdict:
    """How far a run can be trusted."""
    counted = run.provenance.get("reconciliation")
    reconciliation = Reconciliation.from_dict(counted) if counted else None
    return judge(
        run.turns,
        generator_health(run.generator),
        reconciliation,
        rows_read=len(run.turns) + len(run.sessions),
    )


def _adjusted(metrics: list[MetricComparison]) -> list[MetricComparison]:
    """With Holm's adjustment over those that could be tested."""
    tested = [metric for metric in metrics if metric.p_value is not None]
    sure = dict(
        zip(
            map(id, tested),
            holm([metric.p_value for metric in tested if metric.p_value is not None]),
            strict=True,
        )
    )
    return [adjusted(metric, sure[id(metric)]) if id(metric) in sure else metric for metric in metrics]


def _notes(base: Sequence[Run], run: Sequence[Run]) -> list[str]:
    notes = []
    if len(base) == len(run) == 1:
        notes.append(
            "There is one run on each side: what differs from one night to another is not in the intervals. "
            "Several runs of the base make it so."
        )
    for key in ("target", "seed"):
        values = [sorted({str(each.provenance.get(key)) for each in side}) for side in (base, run)]
        if values[0] != values[1]:
            notes.append(f"The {key} differs: {', '.join(values[0])} and {', '.join(values[1])}.")
    hosts = {str((each.provenance.get("host") or {}).get("cpu")) for each in (*base, *run)}
    if len(hosts) > 1:
        notes.append("The runs were generated by machines of different kinds.")
    return notes


def _counted(runs: list[str]) -> str:
    return runs[0] if len(runs) == 1 else f"{len(runs)} runs"
