from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.emulator.serving import _either

pytestmark = pytest.mark.e2e
WAIT_S = 15


def emulator(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "rtbench", "emulator", "--prepare", "", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_it_says_where_it_listens_and_ends_quietly():
    with emulator("--port", "0") as process:
        line = process.stdout.readline()
        assert line.startswith("The emulator listens on http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, err) == (0, "", "")


def test_it_announces_itself_in_json_and_ends_with_its_standard_input():
    with emulator("--port", "0", "--announce", "--parent-pipe") as process:
        ready = json.loads(process.stdout.readline())
        assert ready["pid"] == process.pid
        assert ready["url"] == f"http://127.0.0.1:{ready['port']}/v1"
        socket.create_connection(("127.0.0.1", ready["port"])).close()
        _, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, err) == (0, "")


def test_with_tls_it_says_what_to_trust_and_takes_it_away_at_its_end():
    with emulator("--port", "0", "--tls") as process:
        assert process.stdout.readline().startswith("The emulator listens on https://127.0.0.1:")
        line = process.stdout.readline()
        path = Path(line.removeprefix("Clients that trust ").removesuffix(" may connect.\n"))
        assert path.read_text().startswith("-----BEGIN CERTIFICATE-----")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, err) == (0, "", "")
    assert not path.exists()


def test_a_taken_port_is_one_sentence_and_exit_code_1():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with emulator("--port", str(port)) as process:
            out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (1, "")
    assert err == (
        f"rtbench: port {port} on 127.0.0.1 is taken; choose another one with --port, or 0 for any that is free\n"
    )


def test_a_server_that_fails_ends_the_wait_for_a_signal() -> None:
    async def main() -> None:
        stopped, failure = asyncio.Event(), asyncio.get_running_loop().create_future()
        failure.set_exception(UsageError("the port is gone"))
        with pytest.raises(UsageError, match="the port is gone"):
            await _either(stopped, failure)
        stopped.set()
        await _either(stopped, asyncio.get_running_loop().create_future())

    asyncio.run(main())
