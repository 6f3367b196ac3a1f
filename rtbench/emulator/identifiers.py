"""Identifiers of one session's objects, in the API's form: a kind and a name that no other object has."""

from __future__ import annotations


class Identifiers:
    """Makes ids from the session's token, which its owner keeps unique, and a count."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._made = 0
        self.session = f"sess_{token}"
        self.conversation = f"conv_{token}"

    def item(self) -> str:
        return self._make("item")

    def response(self) -> str:
        return self._make("resp")

    def call(self) -> str:
        return self._make("call")

    def _make(self, kind: str) -> str:
        self._made += 1
        return f"{kind}_{self._token}{self._made:05d}"
