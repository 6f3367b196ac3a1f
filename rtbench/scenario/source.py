"""A scenario's file: its text, its data, and the line of every key.

Plain scalars follow the core schema of YAML 1.2, as editors read them: `yes`, `no` and `on` are
words, `1:30` is text, and only `true` and `false` are booleans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rtbench.core.errors import UsageError
from rtbench.scenario.fault import KeyPath


class ScenarioLoader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2 (section 10.3.2) instead of 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,100}", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    ScenarioLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )

ScenarioLoader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


@dataclass(frozen=True)
class Source:
    """Where a scenario was written."""

    path: Path
    text: str
    data: Any
    """The document as plain Python objects."""

    root: yaml.Node
    overridden: tuple[KeyPath, ...] = ()
    """Keys whose values are not those of the text."""

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read and parse a file.

        Raises UsageError where it is not one readable YAML document without double keys.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: not UTF-8 text (byte {error.start})") from None
        except IsADirectoryError:
            raise UsageError(f"{path}: is a directory, not a scenario file") from None
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file") from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: Path) -> Source:
        """Parse a text that came, or might have come, from `path`; raises as `read`."""
        try:
            loader = ScenarioLoader(text)
            root = loader.get_single_node()
            if root is None:
                raise UsageError(f"{path}: is empty")
            _refuse_double_keys(root, path)
            data = loader.construct_document(root)
        except yaml.MarkedYAMLError as error:
            raise UsageError(
                f"{path}{_line(error.problem_mark)}: not valid YAML: {_problem(error)}"
            ) from None
        except yaml.YAMLError as error:
            raise UsageError(f"{path}: not valid YAML: {error}".splitlines()[0]) from None
        except RecursionError:
            raise UsageError(f"{path}: nested too deeply") from None
        return cls(path, text, data, root)

    def real_path(self, location: KeyPath) -> KeyPath:
        """A pydantic location without the tags of unions, which stand in no file."""
        found: list[str | int] = []
        value = self.data
        for step in location:
            in_mapping = isinstance(value, dict) and step in value
            in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if in_mapping or in_list:
                value = value[step]
                found.append(step)
        return tuple(found)

    def line(self, keys: KeyPath) -> int:
        """Line of a key or list element, from 1; of the nearest one above it where it does not exist."""
        node, line = self.root, self.root.start_mark.line
        for step in keys:
            match node:
                case yaml.MappingNode():
                    entries = [(key, value) for key, value in node.value if key.value == str(step)]
                    if not entries:
                        break
                    key, node = entries[0]
                    line = key.start_mark.line
                case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
                    node = node.value[step]
                    line = node.start_mark.line
                case _:
                    break
        return line + 1

    def where(self, keys: KeyPath) -> str:
        """File, line and key as an error begins, `x.yaml:14: conversation[2].say`.

        A key that was overridden has no line.
        """
        if any(keys[: len(path)] == path for path in self.overridden):
            return f"{self.path}: {written_path(keys)} (overridden)"
        return ": ".join(filter(None, (f"{self.path}:{self.line(keys)}", written_path(keys))))


def written_path(keys: KeyPath) -> str:
    """Keys as one writes them, `conversation[2].say.role`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _refuse_double_keys(root: yaml.Node, path: Path) -> None:
    for keys, node in _mappings(root):
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                where = written_path((*keys, name))
                raise UsageError(f"{path}:{line}: {where}: is already given in line {lines[name]}")
            lines[name] = line


def _mappings(root: yaml.Node) -> Iterator[tuple[KeyPath, yaml.MappingNode]]:
    """Every mapping of the document once, with the keys that lead to it; aliases are not followed twice."""
    seen: set[int] = set()
    pending: list[tuple[KeyPath, yaml.Node]] = [((), root)]
    while pending:
        keys, node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield keys, node
            pending += [((*keys, str(key.value)), value) for key, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            pending += [((*keys, index), item) for index, item in reversed(list(enumerate(node.value)))]


def _line(mark: yaml.Mark | None) -> str:
    return "" if mark is None else f":{mark.line + 1}"


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "cannot be parsed"
    if error.context == "while scanning a block scalar" or problem.startswith("found character '>'"):
        return "a value that begins with '>' needs quotes"
    return problem.replace("\n", " ")
