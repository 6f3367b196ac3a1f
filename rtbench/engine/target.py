"""The service under test: where it is, what language it speaks, and where its key comes from."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rtbench.core.errors import CredentialsRefused, UsageError
from rtbench.dialects.dialect import Dialect

EMULATOR = "emulator"
LOCAL_KEY = "rtbench-local"
"""What is shown to a target on loopback when no key is set: the emulator takes any."""

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Target:
    """A base URL of the API, up to `/v1`, and the dialect spoken there."""

    base_url: str
    dialect: str = "openai_ga"
    key_variables: tuple[str, ...] = ("RTBENCH_API_KEY",)
    """Environment variables that may hold the key, in order; a vendor's own key goes to that vendor only."""

    key_header: str = ""
    """HTTP header that carries the bare key; empty where the dialect's own way is taken."""

    @property
    def is_loopback(self) -> bool:
        """Whether it runs on this machine, and so costs nothing."""
        host = urlsplit(self.base_url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def websocket_url(self, path: str) -> str:
        """The WebSocket end point at a path of the API."""
        scheme, _, rest = self.base_url.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest.rstrip('/')}{path}"

    def key(self, environment: Mapping[str, str] = os.environ) -> str:
        """The key, from the environment of the process that uses it; it is kept nowhere.

        Raises CredentialsRefused where a remote target has none.
        """
        for variable in self.key_variables:
            if environment.get(variable):
                return environment[variable]
        if self.is_loopback:
            return LOCAL_KEY
        names = " or ".join(self.key_variables)
        raise CredentialsRefused(f"{self.base_url} needs a key: set {names} in the environment.")

    def headers(self, dialect: Dialect) -> dict[str, str]:
        """HTTP headers of a connection, the key among them. Raises as `key`."""
        key = self.key()
        return {self.key_header: key} if self.key_header else dialect.headers(key)


def named_target(name: str, environment: Mapping[str, str] = os.environ) -> Target:
    """A target by its name on the command line (`openai`, `azure`) or its URL.

    The emulator has no fixed place: start it, and name its URL. Raises UsageError where the name is
    neither known nor a URL, or where a setting is missing.
    """
    if name == "openai":
        return Target(OPENAI_URL, key_variables=("OPENAI_API_KEY",))
    if name == "azure":
        resource = environment.get("AZURE_OPENAI_ENDPOINT", "")
        if not resource.startswith("https://"):
            raise UsageError(
                "--target azure needs AZURE_OPENAI_ENDPOINT, such as https://NAME.openai.azure.com."
            )
        return Target(
            f"{resource.rstrip('/')}/openai/v1", key_variables=("AZURE_OPENAI_API_KEY",), key_header="api-key"
        )
    return Target(_base_url(name))


def _base_url(name: str) -> str:
    try:
        url = urlsplit(name)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise UsageError(f"the target is not a URL: {error}.") from None
    if url.username is not None:
        raise UsageError("the target's URL holds credentials; keys come from the environment only.")
    if url.query or url.fragment:
        raise UsageError(
            f"the target's URL ends with its path, such as {url.scheme}://{url.netloc}{url.path}."
        )
    scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
    if scheme not in ("http", "https") or not host:
        raise UsageError(
            f"unknown target '{name}': say emulator, openai, azure, or a URL such as http://127.0.0.1:8080/v1."
        )
    return url._replace(scheme=scheme).geturl().rstrip("/")
