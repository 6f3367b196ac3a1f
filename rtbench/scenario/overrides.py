"""Keys of a scenario set from outside its file, by their dotted path: `session.turn_detection.silence_duration_ms=300`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from rtbench.core.errors import UsageError
from rtbench.scenario.fault import KeyPath, shown
from rtbench.scenario.source import ScenarioLoader, Source, written_path

_KEY = re.compile(r'\[(?P<index>[0-9]+)\]|"(?P<quoted>[^"]+)"|(?P<plain>[^.\[\]"\s]+)')


def parse_override(written: str) -> tuple[str, Any]:
    """Key and value of `KEY=VALUE`; the value is read as one in a scenario is.

    Raises UsageError where it has not this form.
    """
    key, equals, text = written.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            f"'{written}' is not KEY=VALUE, such as session.turn_detection.silence_duration_ms=300"
        )
    key_path(key)
    return key.strip(), parse_value(text.strip(), key.strip())


def parse_value(text: str, key: str) -> Any:
    """A value as it stands behind its key in a scenario. Raises UsageError where it is not YAML."""
    if text.startswith((">", "|")):  # a limit such as '> 3', not a block of text
        return text
    try:
        return yaml.load(text, Loader=ScenarioLoader)
    except yaml.YAMLError:
        raise UsageError(f"{key}: '{text}' is not a YAML value") from None


def key_path(dotted: str) -> KeyPath:
    """The keys of `conversation[1].interrupt.heard`; `"p99.9"` in quotes is one key.

    Raises UsageError where it is no such path.
    """
    keys: list[str | int] = []
    rest = dotted.strip()
    while rest:
        match = _KEY.match(rest)
        if match is None:
            break
        keys.append(int(match["index"]) if match["index"] else match["quoted"] or match["plain"])
        rest = rest[match.end() :]
        if rest.startswith(".") and len(rest) > 1:
            rest = rest[1:]
        elif rest and not rest.startswith("["):
            break
    if rest or not keys:
        raise UsageError(f"'{dotted}' is not a key such as session.voice or conversation[0].say")
    return tuple(keys)


def override(source: Source, overrides: Mapping[str, Any]) -> Source:
    """The source with these keys set, mappings on the way to them being made where there are none.

    Nothing is validated but the way: raises UsageError naming the file and the key where it leads
    through something that has no keys, or to a list's element that is not there.
    """
    data = source.data
    paths = [key_path(dotted) for dotted in overrides]
    for keys, value in zip(paths, overrides.values(), strict=True):
        data = _with(data, keys, value, keys, source)
    return replace(source, data=data, overridden=(*source.overridden, *paths))


def _with(data: Any, keys: KeyPath, value: Any, whole: KeyPath, source: Source) -> Any:
    """A copy of `data` with one key set; only what lies on the way is copied, so that aliases stay as they are."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(data, dict) and isinstance(key, str):
        return {**data, key: _with(data.get(key, {}), tuple(rest), value, whole, source)}
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return [*data[:key], _with(data[key], tuple(rest), value, whole, source), *data[key + 1 :]]
    above = whole[: len(whole) - len(keys)]
    raise UsageError(f"{source.where(above)}: {_no_way(data, key)}, so {written_path(whole)} cannot be set")


def _no_way(data: Any, key: str | int) -> str:
    if isinstance(data, list) and isinstance(key, int):
        return f"has {len(data)} entries, counted from 0"
    return f"is {shown(data)}, which has no {written_path((key,))}"
