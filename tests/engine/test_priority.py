import os
import subprocess
import sys
import threading

import pytest

from rtbench.engine import priority
from rtbench.engine.priority import BACKGROUND_NICENESS, PACING_NICENESS

linux = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="niceness by thread is Linux's")

ASK = """
import os
from rtbench.engine.priority import prefer_this_process
before = os.getpriority(os.PRIO_PROCESS, 0)
prefer_this_process()
print(before, os.getpriority(os.PRIO_PROCESS, 0))
"""


def test_a_process_is_preferred_where_that_is_allowed_and_goes_on_as_it_was_where_not() -> None:
    """In a process of its own: without privileges niceness can only grow."""
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    before, after = map(int, asked.stdout.split())
    assert after in (before, PACING_NICENESS)
    if os.geteuid() == 0 and after == before:
        pytest.skip("root without CAP_SYS_NICE")


def test_a_refusal_is_not_an_error(monkeypatch) -> None:
    def refuse(*args: int) -> None:
        raise PermissionError

    monkeypatch.setattr(priority.os, "setpriority", refuse)
    priority.prefer_this_process()


@linux
def test_a_thread_yields_alone() -> None:
    found = []

    def work() -> None:
        priority.yield_this_thread()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [BACKGROUND_NICENESS]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours
