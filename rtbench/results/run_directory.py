"""The directory that a run leaves behind: its name and the paths of everything in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rtbench.core.errors import UsageError

RUN_JSON = "run.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """One run's directory; tables are written there by `RowWriter` and read by `read_run`."""

    path: Path

    @classmethod
    def create(cls, base: Path, scenario: str, when: datetime) -> RunDirectory:
        """Make `base/<YYYYMMDD-HHMMSS>-<scenario>/`, numbered where two runs start in one second.

        Raises UsageError where the directory cannot be made or written to.
        """
        directory = cls(make_directory(base, scenario, when))
        try:
            for folder in (directory.trace, directory.worst, directory.figures):
                folder.mkdir()
        except OSError as error:
            raise _not_writable(base, error) from error
        return directory

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """An existing run's directory. Raises UsageError where there is none."""
        if not path.is_dir():
            raise UsageError(f"{path}: no such run; give the directory that a run left behind.")
        directory = cls(path)
        if not directory.run_json.is_file() and not _has_table(path):
            raise UsageError(f"{path}: not a run: neither {RUN_JSON} nor a table of turns is in it.")
        return directory

    @property
    def run_json(self) -> Path:
        """Provenance, and the reconciliation once the run has ended."""
        return self.path / RUN_JSON

    @property
    def turns(self) -> Path:
        return self.path / "turns.parquet"

    @property
    def sessions(self) -> Path:
        return self.path / "sessions.parquet"

    @property
    def stimuli(self) -> Path:
        """Interruptions and disturbances, and what each of them did."""
        return self.path / "stimuli.parquet"

    @property
    def incidents(self) -> Path:
        """Outages of connections, and how each of them went."""
        return self.path / "incidents.parquet"

    @property
    def mishaps(self) -> Path:
        """Every error that a caller met, with its instant and phase."""
        return self.path / "mishaps.parquet"

    @property
    def fault_log(self) -> Path:
        """What the embedded emulator did wrong on purpose, one JSON object per line."""
        return self.path / "faults.jsonl"

    @property
    def emulator_health(self) -> Path:
        """How busy the embedded emulator was, one JSON object per second."""
        return self.path / "emulator_health.jsonl"

    @property
    def generator(self) -> Path:
        """The load generator's own health."""
        return self.path / "generator.parquet"

    @property
    def waveforms(self) -> Path:
        """Envelopes of the agent's audio, of the turns for which they were kept."""
        return self.path / "waveforms.parquet"

    @property
    def recordings(self) -> Path:
        """Audio of the turns and stimuli for which it was kept; only where the scenario allows recording."""
        return self.path / "recordings.parquet"

    @property
    def plc_mos(self) -> Path:
        """Scores of the recorded answers, where they were asked for."""
        return self.path / "plc_mos.parquet"

    @property
    def trace(self) -> Path:
        """Folder of every stamped event: one table per engine."""
        return self.path / "trace"

    @property
    def emulator_log(self) -> Path:
        """What the embedded emulator truly did, one JSON object per line."""
        return self.path / "emulator.jsonl"

    @property
    def summary_json(self) -> Path:
        return self.path / "summary.json"

    @property
    def summary_md(self) -> Path:
        return self.path / "summary.md"

    @property
    def junit_xml(self) -> Path:
        """Verdict, thresholds and baseline as test cases."""
        return self.path / "junit.xml"

    @property
    def report_html(self) -> Path:
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def worst(self) -> Path:
        """Folder of the worst turns and interruptions: picture, events and recording of each."""
        return self.path / "worst"


def make_directory(base: Path, name: str, when: datetime) -> Path:
    """Make `base/<YYYYMMDD-HHMMSS>-<name>/`, numbered where it is there already.

    Raises UsageError where the directory cannot be made.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        return _make_unique(base, f"{when:%Y%m%d-%H%M%S}-{safe_name(name)}")
    except OSError as error:
        raise _not_writable(base, error) from error


def safe_name(name: str) -> str:
    """A name for a file, that leads nowhere else and needs no quotes."""
    return _UNSAFE.sub("-", name).strip("-.") or "run"


def _not_writable(base: Path, error: OSError) -> UsageError:
    return UsageError(f"{base}: the output folder cannot be written to ({error.strerror}).")


def _make_unique(base: Path, name: str) -> Path:
    number = 1
    while True:
        path = base / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _has_table(path: Path) -> bool:
    return any(
        (path / name).exists()
        for name in ("turns.parquet", "turns.parts", "sessions.parquet", "sessions.parts")
    )
