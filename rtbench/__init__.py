"""rtbench: the load tester for voice.

`from rtbench import RealtimeUser` gives Locust's own users a user that holds spoken conversations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtbench.load.realtime_user import RealtimeUser

__version__ = "0.1.0"
__all__ = ["RealtimeUser", "__version__"]


def __getattr__(name: str) -> Any:
    """Locust is loaded when it is asked for: `import rtbench` is cheap."""
    if name == "RealtimeUser":
        from rtbench.load import locust_plugin
        from rtbench.load.realtime_user import RealtimeUser

        locust_plugin.register()
        return RealtimeUser
    raise AttributeError(f"module 'rtbench' has no attribute '{name}'")
