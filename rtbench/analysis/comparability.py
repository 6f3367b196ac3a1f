"""Whether runs can be compared: what must be the same in all of them, and what is different where they cannot.

The same must be the definitions of the metrics, what callers say and do, the corpus they say it from,
the transport and its codec, and the load. What may differ is what a comparison is about: the target, and how an
emulated service behaves; and what only makes a run longer or judges it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rtbench.analysis.verdict import Level, Verdict
from rtbench.core.errors import UsageError
from rtbench.results.reader import Run
from rtbench.scenario.model import Scenario
from rtbench.scenario.source import Source

NOT_OF_THE_CALLERS = frozenset(
    {"name", "description", "thresholds", "emulator", "duration", "iterations", "stop_timeout", "record"}
)
"""Keys of a scenario that change nothing of what a caller does in a turn."""

OF_THE_LOAD = frozenset({"users", "spawn_rate", "shape"})
"""Keys that the run's own record of its load overrules."""

DEFAULT_CODEC = Scenario.model_fields["codec"].default


def refuse_incomparable(base: Run, others: Sequence[Run]) -> None:
    """Raises UsageError with everything in which another run differs from the base in what must be the same."""
    for other in others:
        if found := list(differences(base.provenance, other.provenance)):
            raise UsageError(f"{base.name} and {other.name} cannot be compared: {'; '.join(found)}.")


def refuse_invalid(run: Run, verdict: Verdict) -> None:
    """Raises UsageError for a run whose numbers are the load generator's own."""
    if verdict.level is Level.INVALID:
        raise UsageError(
            f"{run.name} cannot be compared: it is INVALID ({verdict.findings[0].message.rstrip('.')}). "
            "--allow-invalid compares it all the same."
        )


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    """In what two runs differ that must be the same, a clause each; of both the content of `run.json`."""
    for key, told in (("metric_version", "metric version"), ("transport", "transport")):
        if a.get(key) != b.get(key):
            yield f"{told} {a.get(key)} and {b.get(key)}"
    codecs = [effective_codec(run) for run in (a, b)]
    if codecs[0] != codecs[1] and all(codecs):
        yield f"codec {codecs[0]} and {codecs[1]}"
    corpora = [(run.get("corpus") or {}) for run in (a, b)]
    if corpora[0].get("sha256") != corpora[1].get("sha256"):
        yield f"corpus {_corpus(corpora[0])} and {_corpus(corpora[1])}"
    recorded = bool(a.get("load")) and bool(b.get("load"))
    scenarios = [_callers(run, with_load=not recorded) for run in (a, b)]
    if _digest(scenarios[0]) != _digest(scenarios[1]):
        yield f"scenarios differ{_where(*scenarios)}"
    if recorded and a["load"] != b["load"]:
        yield f"load {_load(a['load'])} and {_load(b['load'])}"


def likeness(run: Mapping[str, Any]) -> dict[str, str]:
    """What must be the same in runs that are compared, in words or as a digest; `run` is the content of `run.json`.

    Runs in which all of it is alike can be compared (`differences` finds nothing): nights of one history.
    """
    recorded = bool(run.get("load"))
    corpus = run.get("corpus") or {}
    return {
        "metric version": str(run.get("metric_version", "")),
        "transport": str(run.get("transport") or ""),
        "codec": effective_codec(run),
        "network": "+".join(effective_networks(run)),
        "corpus": _corpus(corpus) if corpus else "",
        "scenario": _digest(_callers(run, with_load=not recorded))[:12],
        "load": _load(run["load"]) if recorded else "",
    }


def effective_networks(run: Mapping[str, Any]) -> list[str]:
    """The presets of networks that calls were held over, each once; `custom` for one without a name."""
    written = [(_read(scenario) or {}).get("network") for scenario in run.get("scenarios", [])]
    return sorted({name if isinstance(name, str) else "custom" for name in written if name is not None})


def effective_codec(run: Mapping[str, Any]) -> str:
    """Of the WebRTC calls that were held, several joined by +; empty over a WebSocket.

    A run that did not record it held them in what its command line asked for, else in what its scenarios say.
    """
    if "codec" in run:
        return str(run["codec"] or "")
    transport = str(run.get("transport", ""))
    if "webrtc" not in transport:
        return ""
    scenarios = [_read(scenario) or {} for scenario in run.get("scenarios", [])]
    over_webrtc = [each for each in scenarios if "webrtc" in (transport, each.get("transport"))]
    written = {str(each.get("codec", DEFAULT_CODEC)) for each in over_webrtc}
    return _option(run.get("command", ()), "--codec") or "+".join(sorted(written))


def _option(command: Sequence[str], name: str) -> str:
    """The last value of an option in a command line; empty where it is not in it."""
    found = ""
    for position, word in enumerate(command):
        if word == name:
            found = "".join(command[position + 1 : position + 2])
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


def _corpus(corpus: Mapping[str, Any]) -> str:
    return f"{corpus.get('name', 'unknown')} (sha256 {str(corpus.get('sha256', ''))[:12]})"


def _load(load: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in load.items() if value is not None)


def _callers(run: Mapping[str, Any], *, with_load: bool) -> list[Any]:
    """What the scenarios say of the callers; the text itself where it cannot be read."""
    left_out = NOT_OF_THE_CALLERS | {"codec"} | (frozenset() if with_load else OF_THE_LOAD)
    found: list[Any] = []
    for scenario in run.get("scenarios", []):
        data = _read(scenario)
        if data is None:
            found.append(scenario["text"])
        else:
            found.append({key: value for key, value in data.items() if key not in left_out})
    return found


def _read(scenario: Mapping[str, Any]) -> dict[str, Any] | None:
    """A scenario's data; None where its text cannot be read."""
    try:
        data = Source.parse(scenario["text"], Path(scenario["path"])).data
    except UsageError:
        return None
    return data if isinstance(data, dict) else None


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _where(one: list[Any], other: list[Any]) -> str:
    """The first keys that differ, where both are one scenario each."""
    if len(one) != 1 or len(other) != 1 or not isinstance(one[0], dict) or not isinstance(other[0], dict):
        return ""
    keys = sorted(key for key in one[0].keys() | other[0].keys() if one[0].get(key) != other[0].get(key))
    return f" in {', '.join(keys[:3])}"
