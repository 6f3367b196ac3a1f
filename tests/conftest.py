"""Fixtures that several packages' tests share."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ORACLES = Path(__file__).parent / "oracles"


def pytest_configure(config: pytest.Config) -> None:
    """Let processes share compiled modules where the environment forbids to keep any: compiling takes most of their start.

    They are kept beside pytest's own cache, outside the sources.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", "") and config.cache is not None:
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(config.cache.mkdir("bytecode"))
        sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: their files take a minute or two each, and one that began last would be waited for alone."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


def _oracle(name: str) -> ModuleType:
    """A module of `tests/oracles`, which is no package."""
    spec = importlib.util.spec_from_file_location(f"oracles_{name}", ORACLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session", autouse=True)
def no_files_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A machine that somebody has calibrated shows its error bar: tests are run as on a new one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module", autouse=True)
def young_heap() -> None:
    """Collections look at what the module's own tests leave behind, not at a million objects of pytest and of modules."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def openai_strict() -> ModuleType:
    """Strict parsing with the `openai` package's types: `parse_server_event`, `parse_client_event`."""
    return _oracle("openai_strict")


@pytest.fixture(scope="session")
def openai_sample() -> ModuleType:
    """Random messages by the declarations of the `openai` package's types: `sample`."""
    return _oracle("openai_sample")


NIGHT_SCENARIO = """\
name: {name}
users: {users}
conversation:
  - say: hours_question
  - listen
emulator: {{response_delay: {delay} ms}}
thresholds:
  voice_to_voice_ms: {{p95: "< 5000"}}
"""


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write the directory of a run whose turns wait by a lognormal law, alike within a session; its path."""
    from rtbench.results import schema
    from rtbench.results.provenance import write_run_json
    from rtbench.results.writer import RowWriter

    base = tmp_path_factory.mktemp("nights")

    def write(
        name: str,
        *,
        folder: Path | None = None,
        day: int = 1,
        sessions: int = 60,
        turns: int = 8,
        factor: float = 1.0,
        spread: float = 0.1,
        unanswered: float = 0.0,
        seed: int = 1,
        rows_lost: int = 0,
        users: int = 5,
        delay: int = 300,
        scenario: str = "nightly",
        thresholds: tuple[dict[str, Any], ...] = (),
        **provenance: Any,
    ) -> Path:
        path = (folder or base) / name
        (path / "trace").mkdir(parents=True)
        rng = np.random.default_rng(seed)
        keys = {"worker": "w0", "scenario": scenario, "transport": "websocket", "void": False}
        turn_table, session_table, seconds = (
            RowWriter(path, table, kind)
            for table, kind in (
                ("turns", schema.TURNS),
                ("sessions", schema.SESSIONS),
                ("generator", schema.GENERATOR),
            )
        )
        for number in range(sessions):
            of = keys | {"session": f"s{number}", "user": number, "iteration": 0}
            mood = rng.normal(0, spread)
            for index in range(turns):
                wait_ms = factor * 700 * float(np.exp(mood + rng.normal(0, spread)))
                lost = rng.random() < unanswered
                turn_table.append(
                    of
                    | {
                        "number": index, "clip": "c", "kind": "spoken", "tool": False, "expects_answer": True,
                        "outcome": "no_answer" if lost else "answered", "barged_in": False, "concurrency": 5,
                        "voice_to_voice_ms": None if lost else wait_ms, "audible_ns": None if lost else 1,
                        "user_speech_start_ns": 0, "user_speech_end_ns": 1_000_000_000, "closed_ns": 15_000_000_000, "cut_in": 0.0, "continuity_ok": 1.0,
                        "hold_pauses": 0, "false_cutoffs": 0, "at_unix_ns": number, "identity_error_ms": 0.0,
                    }
                )  # fmt: skip
            session_table.append(
                of
                | {
                    "outcome": "completed",
                    "session_success": 1.0,
                    "errors": "{}",
                    "connect_ms": 9.0,
                    "uptime": 1.0,
                }
            )
        seconds.append(
            {
                "worker": "w0", "at_unix_ns": 0, "interval_ms": 1000.0, "sessions": 5, "cpu_share": 0.1,
                "loop_lag_max_ms": 1.0, "gc_pause_max_ms": 0.1, "frames_sent": 25, "send_lateness_max_ms": 1.0,
                "send_lateness": _lateness(), "rows_written": 0, "rss_bytes": 1,
            }
        )  # fmt: skip
        for writer in (turn_table, session_table, seconds):
            writer.close()
        rows = sessions * turns + sessions
        text = NIGHT_SCENARIO.format(name=scenario, users=users, delay=delay)
        counted = {"rows_sent": rows + rows_lost, "rows_received": rows}
        run = {
            "metric_version": 2, "scenarios": [{"name": scenario, "path": "x.yaml", "sha256": "", "text": text}],
            "corpus": {"name": "english", "path": "english", "sha256": "c0ffee"}, "thresholds": list(thresholds),
            "seed": 1, "target": "emulator", "transport": "websocket", "load": None, "command": ["rtbench"],
            "started_at": f"2026-11-{day:02}T02:00:00+00:00", "ended_at": f"2026-11-{day:02}T02:05:00+00:00",
            "reconciliation": counted,
        }  # fmt: skip
        write_run_json(path / "run.json", json.loads(json.dumps(run | provenance)))
        return path

    return write


def _lateness() -> str:
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(1, 60_000_000, 3)
    histogram.record_value(500)
    encoded: bytes = histogram.encode()
    return encoded.decode()


@pytest.fixture(scope="session")
def make_step() -> Callable[..., Any]:
    """A step of a capacity search with one SLO, `voice_to_voice_ms p95 < 800`, that came to this value."""
    from rtbench.analysis.capacity_search import Judgement
    from rtbench.analysis.capacity_step import StepResult
    from rtbench.analysis.health import Health
    from rtbench.analysis.thresholds import ThresholdResult
    from rtbench.analysis.verdict import Finding, Level, Verdict
    from rtbench.scenario.threshold import parse_threshold

    def make(
        level: float,
        wait_ms: float,
        judgement: Judgement | None = None,
        lateness_ms: float | None = None,
        **columns: Any,
    ) -> StepResult:
        if judgement is Judgement.GENERATOR:
            lateness_ms = lateness_ms or 9.0
        holds = wait_ms < 800
        slo = ThresholdResult(
            parse_threshold("voice_to_voice_ms:p95<800"), "passed" if holds else "failed", 120, wait_ms
        )
        findings = ()
        if lateness_ms is not None:
            told = f"1% of frames left more than {lateness_ms:.1f} ms late (limit 5 ms)."
            findings = (Finding(Level.SUSPECT, "send_late", told, "Run fewer users."),)
        values: dict[str, Any] = {
            "phase": "step up",
            "started_unix_ns": 0,
            "seconds": 30.0,
            "concurrency": level,
            "turns": 120,
            "health": Health(
                1, 750, 0.2, lateness_ms or 1.2, 3.0, 0.4, 12.0, 1.0, 2.0, 1.0, int(level), 10**8, 100
            ),
            "parts_ms": {"endpoint_delay_ms": 220.0, "speech_stop_to_first_audio_ms": 30.0 * level},
            "voice_to_voice_ms": (wait_ms, wait_ms),
            "goodput_per_s": 4.0 if holds else 2.0,
            "turns_per_s": 4.0,
            "errors": {} if holds else {"rate_limit_exceeded": 6},
        }
        return StepResult(
            level=float(level),
            judgement=judgement or (Judgement.HOLDS if holds else Judgement.BREAKS),
            slos=(slo,),
            verdict=Verdict(Level.SUSPECT if findings else Level.VALID, findings),
            **{**values, **columns},
        )

    return make
