from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.emulator.process import EmulatorProcess

pytestmark = pytest.mark.e2e
WAIT_S = 10


@pytest.fixture(scope="module")
def emulator():
    with EmulatorProcess(key="only-this-one") as process:
        yield process


def http_status(url: str, key: str | None = None) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_it_listens_when_it_is_made(emulator):
    assert emulator.url == f"http://127.0.0.1:{emulator.port}/v1"
    assert http_status(emulator.url.replace("/v1", "/healthz")) == 200
    assert emulator.poll() is None


def test_its_key_is_in_no_argument_list(emulator):
    arguments = Path(f"/proc/{emulator.pid}/cmdline").read_bytes()
    assert b"only-this-one" not in arguments


def test_settings_that_cannot_be_used_are_told_in_its_own_words():
    with pytest.raises(UsageError, match=r"^emulator\.chunk: must be 10 ms to 1 s"):
        EmulatorProcess(profile={"chunk": "7 ms"})


def test_it_stops_once_and_for_all(tmp_path):
    process = EmulatorProcess(profile="immediate", log=tmp_path / "log")
    process.stop()
    assert process.poll() == 0
    process.stop()
    assert (tmp_path / "log").exists()


def test_it_may_be_ready_for_calls_when_it_is_made():
    with EmulatorProcess(codecs=["pcmu"]) as process:
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    assert arguments[arguments.index(b"--prepare") + 1] == b"pcmu"


def test_a_killed_emulator_is_seen():
    with EmulatorProcess() as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process.poll() == -signal.SIGKILL


def test_it_ends_with_the_process_that_made_it():
    code = (
        "import time\n"
        "from rtbench.emulator.process import EmulatorProcess\n"
        "process = EmulatorProcess()\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        pid = json.loads(parent.stdout.readline())
        child = os.pidfd_open(pid)
        parent.kill()
        ended, _, _ = select.select([child], [], [], WAIT_S)
        os.close(child)
    assert ended
