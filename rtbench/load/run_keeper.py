"""Where a run's rows are kept: its directory, its provenance, its tables, and the count of what should be there."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rtbench.clock import local_time
from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.engine.target import EMULATOR
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
from rtbench.scenario.threshold import Threshold


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What the command line says of a run, beyond its scenarios."""

    target: str = EMULATOR
    transport: str = ""
    """websocket or webrtc; empty where the scenarios say it."""

    out: Path = Path("reports")
    command: Sequence[str] = field(default_factory=lambda: tuple(sys.argv))
    load: Mapping[str, Any] | None = None
    """The load for `run.json`: callers at a time and how they come. None where Locust's own command decides it."""

    codec: str = ""
    """opus, pcmu or pcma, over WebRTC; empty where the scenarios say it."""

    thresholds: Sequence[Threshold] = ()
    """Besides those of the scenarios."""

    def codecs(self, scenarios: Iterable[Scenario]) -> list[str]:
        """Codecs of the run's WebRTC calls, each once."""
        over_webrtc = (each for each in scenarios if (self.transport or each.transport) == "webrtc")
        return sorted({self.codec or each.codec for each in over_webrtc})


class RunKeeper:
    """One run on disk, from its first row to its reconciliation."""

    def __init__(self, scenarios: Sequence[tuple[Path, Scenario]], settings: RunSettings) -> None:
        """Make the run directory and write `run.json`. Raises UsageError where that cannot be done."""
        path, first = scenarios[0]
        corpus = Corpus.open(find_corpus(first.corpus, path.parent))
        names = "+".join(scenario.name for _, scenario in scenarios)
        self.directory = RunDirectory.create(settings.out, names, local_time())
        self.recorder = Recorder(self.directory)
        self._run = Provenance(
            scenarios=[
                ScenarioSource(scenario.name, str(path), path.read_text(encoding="utf-8"))
                for path, scenario in scenarios
            ],
            corpus=CorpusSource(corpus.manifest.name, str(corpus.folder), corpus.sha256),
            seed=first.seed,
            target=settings.target,
            transport=_one_of(settings.transport, (scenario.transport for _, scenario in scenarios)),
            codec="+".join(settings.codecs(scenario for _, scenario in scenarios)),
            command=settings.command,
            load=settings.load,
            started_at=local_time(),
            thresholds=[
                asdict(threshold)
                for judged in (*(scenario.thresholds for _, scenario in scenarios), settings.thresholds)
                for threshold in judged
            ],
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


def _one_of(asked: str, written: Iterable[str]) -> str:
    """What was asked for, else what the scenarios say; all of it where they differ."""
    return asked or "+".join(sorted(set(written)))
