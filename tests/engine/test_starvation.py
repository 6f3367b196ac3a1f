import os
import subprocess
import sys
import time

import pytest

from rtbench.engine import starvation
from rtbench.engine.starvation import Starvation, read_starvation

LINUX = pytest.mark.skipif(not starvation.SCHEDSTAT.exists(), reason="only Linux counts it")


def test_both_counters_are_read_in_milliseconds(tmp_path, monkeypatch) -> None:
    schedstat, stat = tmp_path / "schedstat", tmp_path / "stat"
    schedstat.write_text("9000000 2500000 17\n")
    stat.write_text("cpu  1 2 3 4 5 6 7 12 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n")
    monkeypatch.setattr(starvation, "SCHEDSTAT", schedstat)
    monkeypatch.setattr(starvation, "STAT", stat)

    assert read_starvation() == Starvation(2.5, 12_000 / os.sysconf("SC_CLK_TCK"))


def test_what_was_added_since_is_a_difference_where_both_are_known() -> None:
    assert Starvation(7.5, 40.0).since(Starvation(2.5, 10.0)) == Starvation(5.0, 30.0)
    assert Starvation(None, 40.0).since(Starvation(2.5, None)) == Starvation(None, None)


@pytest.mark.parametrize("content", [None, "", "cpu 1 2\n", "no numbers at all are here to be read\n"])
def test_a_system_that_does_not_tell_is_no_error(tmp_path, monkeypatch, content) -> None:
    path = tmp_path / "counters"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(starvation, "SCHEDSTAT", path if content != "cpu 1 2\n" else tmp_path / "none")
    monkeypatch.setattr(starvation, "STAT", path)

    assert read_starvation() == Starvation(None, None)


@LINUX
def test_a_thread_that_shares_its_processor_with_another_has_waited() -> None:
    allowed = os.sched_getaffinity(0)
    # Another process, as threads of this one share an interpreter: both on one processor.
    os.sched_setaffinity(0, {min(allowed)})
    try:
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as rival:
            before, until = read_starvation(), time.process_time() + 0.2
            while time.process_time() < until:
                pass
            after = read_starvation()
            rival.kill()
    finally:
        os.sched_setaffinity(0, allowed)

    waited_ms = after.since(before).waited_ms
    assert waited_ms is not None
    assert waited_ms > 20
