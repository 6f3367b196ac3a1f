"""A standard stream whose reader goes away."""

from __future__ import annotations

import os

from rtbench.cli.outlet import outliving_reader


def test_what_is_read_arrives_and_what_nobody_reads_goes_nowhere() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="latin-1", errors="replace", closefd=False) as stream:
        outlet = outliving_reader(stream)
        assert (outlet.encoding, outlet.errors, outlet.fileno()) == ("latin-1", "replace", writer)
        print("größer \u2260", file=outlet, flush=True)
        assert os.read(reader, 100) == "größer ?\n".encode("latin-1")
        os.close(reader)
        for _ in range(2):
            print("x" * 100_000, file=outlet, flush=True)
    os.close(writer)


def test_what_was_written_before_comes_first() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8", closefd=False) as stream:
        stream.write("first ")
        print("second", file=outliving_reader(stream), flush=True)
    assert os.read(reader, 100) == b"first second\n"
    for number in (reader, writer):
        os.close(number)
