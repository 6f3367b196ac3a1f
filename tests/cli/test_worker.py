"""`rtbench worker`: its words on their way to the worker, which is replaced."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from rtbench.cli import worker


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """What workers were asked to do; the real module would bring in all of Locust."""
    asked: list[SimpleNamespace] = []
    module = ModuleType("rtbench.load.worker")
    module.WorkerOptions = SimpleNamespace
    module.work = asked.append
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


@pytest.fixture
def run(asked) -> Callable[..., int]:
    def run(*words: str) -> int:
        parser = argparse.ArgumentParser()
        worker.register(parser.add_subparsers())
        args = parser.parse_args(["worker", *words])
        code: int = args.handler(args)
        return code

    return run


def test_it_joins_the_master_on_locusts_own_port(run, asked) -> None:
    assert run("a.yaml", "--master", "host.example") == 0
    (options,) = asked
    assert (options.source, options.master_host, options.master_port) == (
        Path("a.yaml"),
        "host.example",
        5557,
    )
    assert (options.until_stopped, options.with_parent) == (False, False)


def test_a_run_on_this_machine_asks_for_more(run, asked) -> None:
    run("a.yaml", "--master", "127.0.0.1", "--port", "40123", "--until-stopped", "--with-parent")
    (options,) = asked
    assert (options.master_port, options.until_stopped, options.with_parent) == (40123, True, True)


@pytest.mark.parametrize(
    ("written", "master"),
    [
        ("host.example:6000", ("host.example", 6000)),
        ("10.0.0.7", ("10.0.0.7", 5557)),
        ("::1", ("::1", 5557)),
        ("[::1]:6000", ("::1", 6000)),
        ("[::1]", ("::1", 5557)),
    ],
)
def test_the_masters_port_may_be_told_with_its_host(run, asked, written, master) -> None:
    run("a.yaml", "--master", written)
    assert (asked[0].master_host, asked[0].master_port) == master


def test_the_user_has_the_name_that_the_master_gives_it(run, asked) -> None:
    run("a.yaml", "--master", "m", "--user-class", "SupportCaller")
    run("a.yaml", "--master", "m")
    assert [options.user_class for options in asked] == ["SupportCaller", ""]


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_the_last_port_are_ports(run, asked, port) -> None:
    run("a.yaml", "--master", "m", "--port", port)
    assert asked[0].master_port == int(port)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "1.5"])
def test_what_is_no_port_is_refused(run, asked, capsys, port) -> None:
    with pytest.raises(SystemExit):
        run("a.yaml", "--master", "m", f"--port={port}")
    assert f"must be a port from 1 to 65535, not '{port}'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("a.yaml", "--master", f"m:{port}")
    assert asked == []


def test_there_is_no_default_master(run, asked, capsys) -> None:
    with pytest.raises(SystemExit):
        run("a.yaml")
    assert "--master" in capsys.readouterr().err
    assert asked == []


def test_a_master_that_is_not_there_yet_is_told_once(capsys) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        worker._tell_if_absent("127.0.0.1", port)
        told = f"rtbench: no master answers at 127.0.0.1:{port} yet (Connection refused); waiting for it\n"
        assert capsys.readouterr().err == told
        holder.listen()
        worker._tell_if_absent("127.0.0.1", port)
    assert capsys.readouterr().err == ""
