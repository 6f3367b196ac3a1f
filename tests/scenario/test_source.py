"""Scenario files as YAML: scalars, lines, double keys, and files that cannot be used."""

from dataclasses import replace
from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.scenario.source import Source, written_path

PATH = Path("x.yaml")


def told(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        Source.parse(text, PATH)
    return str(caught.value)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("2026-11-23", "2026-11-23"),
        ("010", 10),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(scalar: str, value: object) -> None:
    data = Source.parse(f"key: {scalar}\n", PATH).data
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_every_key_and_list_element_has_its_line() -> None:
    source = Source.parse("a: 1\nb:\n  c:\n  - x\n  - y: {z: 1}\n", PATH)
    assert [source.line(keys) for keys in [(), ("a",), ("b",), ("b", "c"), ("b", "c", 0)]] == [1, 1, 2, 3, 4]
    assert source.line(("b", "c", 1, "y", "z")) == 5


def test_what_is_not_there_has_the_line_of_what_is_above_it() -> None:
    source = Source.parse("# first\na: 1\nb:\n  c: 2\n", PATH)
    assert source.line(("missing",)) == 2
    assert source.line(("b", "missing", "deeper")) == 3
    assert source.line(("a", 7)) == 2


def test_an_error_begins_with_file_line_and_key() -> None:
    source = Source.parse("a: 1\nb: [{c: 2}]\n", PATH)
    assert source.where(("b", 0, "c")) == "x.yaml:2: b[0].c"
    assert source.where(()) == "x.yaml:1"
    assert written_path((0, "a", 1, "b")) == "[0].a[1].b"


def test_a_key_that_was_overridden_has_no_line() -> None:
    source = replace(Source.parse("a: 1\nb: {c: 2}\n", PATH), overridden=(("b", "c"),))
    assert source.where(("b", "c", "d")) == "x.yaml: b.c.d (overridden)"
    assert source.where(("b",)) == "x.yaml:2: b"


def test_a_location_loses_what_stands_in_no_file() -> None:
    source = Source.parse("steps: [{say: {role: question}}]\n", PATH)
    assert source.real_path(("steps", 0, "say", "say", "role")) == ("steps", 0, "say", "role")
    assert source.real_path(("steps", 0, "scalar")) == ("steps", 0)
    assert source.real_path(("steps", 3)) == ("steps",)


def test_anchors_and_merged_mappings_are_read() -> None:
    source = Source.parse("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n", PATH)
    assert source.data == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a: is already given in line 1"),
        ("a:\n- {b: 1,\n   b: 2}\n", "x.yaml:3: a[0].b: is already given in line 2"),
        ("", "x.yaml: is empty"),
        ("# only a comment\n", "x.yaml: is empty"),
        ("a: [1\nb: 2\n", "x.yaml:2: not valid YAML: expected ',' or ']', but got ':'"),
        ("a\n---\nb\n", "x.yaml:2: not valid YAML: but found another document"),
        ("a: *b\n", "x.yaml:1: not valid YAML: found undefined alias 'b'"),
        ("a: > 3\n", "x.yaml:1: not valid YAML: a value that begins with '>' needs quotes"),
        ("a: {b: > 3}\n", "x.yaml:1: not valid YAML: a value that begins with '>' needs quotes"),
        ("a: {b: >= 3}\n", "x.yaml:1: not valid YAML: a value that begins with '>' needs quotes"),
        ("[1]: 3\n", "x.yaml:1: not valid YAML: found unhashable key"),
        (
            "a: \x01\n",
            "x.yaml: not valid YAML: unacceptable character #x0001: special characters are not allowed",
        ),
        ("a: " + "[" * 1500, "x.yaml: nested too deeply"),
    ],
)
def test_what_is_not_one_yaml_document_is_told_in_one_sentence(text: str, sentence: str) -> None:
    assert told(text) == sentence


def test_no_python_object_is_made_from_a_file() -> None:
    assert "could not determine a constructor" in told("a: !!python/object:os.system x\n")


def test_a_missing_file_a_folder_and_other_encodings_are_told(tmp_path: Path) -> None:
    missing, latin = tmp_path / "missing.yaml", tmp_path / "latin.yaml"
    latin.write_bytes("name: caf\xe9".encode("latin-1"))
    for path, sentence in [
        (missing, "no such file"),
        (tmp_path, "is a directory, not a scenario file"),
        (latin, "not UTF-8 text (byte 9)"),
    ]:
        with pytest.raises(UsageError) as caught:
            Source.read(path)
        assert str(caught.value) == f"{path}: {sentence}"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert Source.read(path).data == {"name": "x"}
