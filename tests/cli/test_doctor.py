"""`rtbench doctor`: what is printed, and the exit code, with the check-up replaced."""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable

import pytest

from rtbench.cli import doctor
from rtbench.core.errors import ExitCode
from rtbench.load import checkup
from rtbench.load.checkup import Finding


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*findings: Finding) -> int:
        monkeypatch.setattr(checkup, "check_target", lambda name, model: findings[0])
        monkeypatch.setattr(checkup, "check_machine", lambda users, out: list(findings[1:]))
        parser = argparse.ArgumentParser()
        doctor.register(parser.add_subparsers())
        args = parser.parse_args(["doctor"])
        code: int = args.handler(args)
        return code

    return run


OK = Finding("target", "ok", "it answers")


def test_nothing_is_missing(run, capsys) -> None:
    assert run(OK) == ExitCode.PASS
    assert capsys.readouterr().out.rstrip().endswith("Nothing is missing.")


def test_what_is_only_doubtful_fails_nothing(run, capsys) -> None:
    assert run(OK, Finding("load", "warning", "80% are taken", "Leave it alone.")) == ExitCode.PASS
    told = capsys.readouterr().out
    assert "80% are taken. Leave it alone." in told
    assert "1 to think about" in told


def test_the_first_thing_that_is_missing_gives_the_exit_code(run, capsys) -> None:
    gone = Finding("target", "missing", "nobody there", exit_code=ExitCode.TARGET)
    files = Finding("files", "missing", "too few", "Raise it.", ExitCode.USAGE)
    assert run(gone) == ExitCode.TARGET
    assert run(gone, files) == ExitCode.USAGE
    assert "2 missing: files, target." in capsys.readouterr().out


def test_an_ordinary_limit_of_open_files_is_enough_unless_many_callers_are_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(checkup, "check_target", lambda name, model: OK)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 1024))
    parser = argparse.ArgumentParser()
    doctor.register(parser.add_subparsers())

    def code(*words: str) -> int:
        args = parser.parse_args(["doctor", *words])
        ended: int = args.handler(args)
        return ended

    assert code() == ExitCode.PASS
    assert code("--users", "1000") == ExitCode.USAGE


@pytest.mark.parametrize("written", ["-5", "0", "many"])
def test_callers_are_counted_from_1(written: str, capsys) -> None:
    parser = argparse.ArgumentParser()
    doctor.register(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["doctor", f"--users={written}"])
    assert f"must be a whole number above 0, not '{written}'" in capsys.readouterr().err
