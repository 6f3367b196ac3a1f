"""The service under test: where it is, what language it speaks, and where its key comes from."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rtbench.core.errors import CredentialsRefused, UsageError

EMULATOR = "emulator"
LOCAL_KEY = "rtbench-local"
"""What is shown to a target on loopback when no key is set: the emulator takes any."""

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Target:
    """A base URL of the API, up to `/v1`, and the dialect spoken there."""

    base_url: str
    dialect: str = "openai_ga"
    key_variables: tuple[str, ...] = ("RTBENCH_API_KEY", "OPENAI_API_KEY")
    """Environment variables that may hold the key, in order."""

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


def named_target(name: str, environment: Mapping[str, str] = os.environ) -> Target:
    """A target by its name on the command line (`openai`, `azure`) or its URL.

    The emulator has no fixed place: start it, and name its URL. Raises UsageError where the name is
    neither known nor a URL, or where a setting is missing.
    """
    if name == "openai":
        return Target(OPENAI_URL)
    if name == "azure":
        resource = environment.get("AZURE_OPENAI_ENDPOINT", "")
        if not resource.startswith("https://"):
            raise UsageError(
                "--target azure needs AZURE_OPENAI_ENDPOINT, such as https://NAME.openai.azure.com."
            )
        return Target(f"{resource.rstrip('/')}/openai/v1", key_variables=("AZURE_OPENAI_API_KEY",))
    url = urlsplit(name)
    if url.scheme in ("ws", "wss"):
        url = url._replace(scheme="http" if url.scheme == "ws" else "https")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UsageError(
            f"unknown target '{name}': say emulator, openai, azure, or a URL such as http://127.0.0.1:8080/v1."
        )
    return Target(url.geturl().rstrip("/") or name)
