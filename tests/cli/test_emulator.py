from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from rtbench.cli import emulator
from rtbench.core.errors import UsageError
from rtbench.emulator import serving


@pytest.fixture
def served(monkeypatch):
    """What would have been served."""
    asked = []
    monkeypatch.setattr(serving, "serve", asked.append)
    monkeypatch.setattr(os, "environ", {})
    return asked


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    emulator.register(parser.add_subparsers())
    args = parser.parse_args(["emulator", *arguments])
    return args.handler(args)


def test_without_options_it_serves_the_english_corpus_on_loopback(served):
    assert run() == 0
    [asked] = served
    assert (asked.host, asked.port, asked.corpus.name) == ("127.0.0.1", 8080, "english")
    assert (asked.key, asked.log, asked.announce, asked.parent_pipe) == (None, None, False, False)
    assert (asked.tls, asked.codecs) == (False, ("opus",))


def test_options_are_taken_over(served, monkeypatch):
    monkeypatch.setenv(emulator.KEY_VARIABLE, "secret")
    run(
        "--port",
        "0",
        "--profile",
        "typical",
        "--settings",
        '{"seed": 9}',
        "--log",
        "x/log.jsonl",
        "--announce",
        "--tls",
        "--prepare",
        "pcmu,opus",
    )
    [asked] = served
    assert (asked.port, asked.key, asked.log, asked.announce) == (0, "secret", Path("x/log.jsonl"), True)
    assert (asked.profile.seed, asked.profile.pace) == (9, 3.0)
    assert (asked.tls, asked.codecs) == (True, ("pcmu", "opus"))


def test_it_may_be_ready_for_no_call_at_all(served):
    run("--prepare", "")
    assert served[0].codecs == ()


def test_a_codec_is_one_of_those_there_are(served, capsys):
    with pytest.raises(SystemExit):
        run("--prepare", "opus,mp3")
    assert "unknown codec 'mp3'; there are opus, pcmu, pcma" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--settings", "{"], "--settings: not valid JSON"),
        (["--settings", "[]"], "--settings: must be a JSON object"),
        (["--settings", '{"sed": 1}'], "emulator.sed: unknown key 'sed'; did you mean 'seed'"),
        (["--profile", "nothing"], "profile 'nothing' was not found"),
        (["--corpus", "englisch"], "corpus 'englisch' was not found; did you mean 'english'"),
    ],
)
def test_bad_options_are_told_in_a_sentence(served, arguments, sentence):
    with pytest.raises(UsageError) as caught:
        run(*arguments)
    assert sentence in str(caught.value)
    assert served == []


def test_linear_algebra_has_no_threads_of_its_own_unless_asked_for(served, monkeypatch):
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    run()
    assert [os.environ[name] for name in emulator.BLAS_THREADS] == ["1", "1", "3"]


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_is_a_number_in_range(served, port, capsys):
    with pytest.raises(SystemExit):
        run(f"--port={port}")
    assert "a port is a number from 0 to 65535" in capsys.readouterr().err
