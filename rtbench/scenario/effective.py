"""The effective scenario: a source and what was overridden in it, as a file of its own that another process can read."""

from __future__ import annotations

from typing import Any

import yaml

from rtbench.corpus.manifest import MANIFEST_NAME
from rtbench.scenario.model import Scenario
from rtbench.scenario.source import ScenarioLoader, Source, written_path


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes what `ScenarioLoader` would not read as text, and makes no aliases."""

    yaml_implicit_resolvers = ScenarioLoader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        return True


def effective_text(source: Source) -> str:
    """YAML that validates, wherever it is kept, to the same scenario as this source.

    The file's own text where nothing was overridden and no path in it is relative; else its data, under
    a line that says where they came from. A corpus that was found beside the file, and the trace of a
    replay, are named by their absolute paths. The source must have been validated.
    """
    data = dict(source.data)
    corpus = source.path.parent / data.get("corpus", Scenario.model_fields["corpus"].default)
    if (corpus / MANIFEST_NAME).is_file():
        data["corpus"] = str(corpus.resolve())
    shape = data.get("shape")
    if shape is not None and "replay" in shape:
        trace = (source.path.parent / shape["replay"]["file"]).resolve()
        data["shape"] = {"replay": {**shape["replay"], "file": str(trace)}}
    if data == source.data and not source.overridden:
        return source.text
    origin = ", ".join((str(source.path), *map(written_path, source.overridden)))
    return f"# {origin.splitlines()[0]}\n" + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=110)
