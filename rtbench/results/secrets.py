"""Removal of secrets from what is kept: command lines that may carry a key."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"

_OPTION = re.compile(
    r"^-{1,2}[\w-]*(?:key|token|secret|password|authorization|credential)[\w-]*$", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"(?i)((?:^|[?&;\s_-])[\w-]*(?:key|token|secret|password|authorization|credential)[\w-]*\s*[=:]\s*)[^&\s]+"
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)\S+")
_KEY = re.compile(r"\b(?:sk|ek|pk|rk)[-_][A-Za-z0-9_-]{6,}")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


def redact(text: str) -> str:
    """`text` with what looks like a key, a bearer token, an assigned secret or a URL's user part masked."""
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _BEARER.sub(rf"\g<1>{MASK}", text)
    text = _ASSIGNED.sub(rf"\g<1>{MASK}", text)
    return _KEY.sub(MASK, text)


def redact_command(arguments: Sequence[str]) -> list[str]:
    """A command line fit to be kept: also the argument that follows an option such as `--api-key` is masked."""
    kept: list[str] = []
    hide_next = False
    for argument in arguments:
        kept.append(MASK if hide_next and not argument.startswith("-") else redact(argument))
        hide_next = bool(_OPTION.match(argument))
    return kept
