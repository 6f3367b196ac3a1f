"""Where a run's rows are kept: its directory, its provenance, its tables, and the count of what should be there."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rtbench.clock import local_time
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.load.recorder import Recorder
from rtbench.results.provenance import (
    CorpusSource,
    Provenance,
    ScenarioSource,
    ended,
    write_run_json,
)
from rtbench.results.reconciliation import Reconciliation
from rtbench.results.run_directory import RunDirectory
from rtbench.scenario.model import Scenario


class RunKeeper:
    """One run on disk, from its first row to its reconciliation."""

    def __init__(
        self,
        scenarios: Sequence[tuple[Path, Scenario]],
        target: str,
        transport: str,
        base: Path,
        command: Sequence[str],
    ) -> None:
        """Make the run directory and write `run.json`. Raises UsageError where that cannot be done."""
        path, first = scenarios[0]
        corpus = Corpus.open(find_corpus(first.corpus, path.parent))
        names = "+".join(scenario.name for _, scenario in scenarios)
        self.directory = RunDirectory.create(base, names, local_time())
        self.recorder = Recorder(self.directory)
        self._run = Provenance(
            scenarios=[
                ScenarioSource(scenario.name, str(path), path.read_text(encoding="utf-8"))
                for path, scenario in scenarios
            ],
            corpus=CorpusSource(corpus.manifest.name, str(corpus.folder), corpus.sha256),
            seed=first.seed,
            target=target,
            transport=transport,
            command=command,
            started_at=local_time(),
            thresholds=[asdict(threshold) for _, scenario in scenarios for threshold in scenario.thresholds],
        ).as_dict()
        write_run_json(self.directory.run_json, self._run)

    def discard(self) -> None:
        """Leave nothing behind of a run that could not begin."""
        shutil.rmtree(self.directory.path, ignore_errors=True)

    def end(self, reconciliation: Reconciliation) -> None:
        """Write what is still buffered, and the reconciliation, less the rows that this last write lost."""
        lost = self.recorder.rows_lost
        self.recorder.close()
        lost_at_last = self.recorder.rows_lost - lost
        reconciliation = replace(reconciliation, rows_received=reconciliation.rows_received - lost_at_last)
        with contextlib.suppress(OSError):  # a full disk was told already, as one of the recorder's troubles
            write_run_json(self.directory.run_json, ended(self._run, local_time(), reconciliation))
