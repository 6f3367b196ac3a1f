"""Tools of a session, checked as far as the scenario can, and passed on as they are written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from rtbench.scenario.block import Block, scalar_or_mapping
from rtbench.scenario.fault import fault

_KEY_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key"})


class FunctionTool(Block):
    """A function that the caller's side would carry out."""

    type: Literal["function"]
    """The kind of tool."""

    name: str = Field(min_length=1)
    """Name of the function."""

    description: str | None = None
    """When and how the model should call it."""

    parameters: dict[str, Any] | None = None
    """JSON Schema of the arguments."""


class McpTool(Block):
    """Tools of a remote MCP server; keys that are not named here are passed on."""

    model_config = ConfigDict(extra="allow")

    type: Literal["mcp"]
    """The kind of tool."""

    server_label: str = Field(min_length=1)
    """Name of the MCP server in tool calls."""

    headers: dict[str, str] | None = None
    """HTTP headers for the MCP server; none that carries a key."""


class NamedTool(Block):
    """The one tool that the model must call."""

    type: Literal["function", "mcp"]
    """The kind of tool."""

    name: str | None = None
    """Name of the function, or of one tool of the MCP server."""

    server_label: str | None = None
    """Name of the MCP server."""


Tool = Annotated[FunctionTool | McpTool, Field(discriminator="type")]


def _checked(tools: list[FunctionTool | McpTool]) -> list[FunctionTool | McpTool]:
    """No name twice, and no key: credentials never come from a scenario."""
    taken: set[str] = set()
    for index, tool in enumerate(tools):
        key, name = (
            ("name", tool.name) if isinstance(tool, FunctionTool) else ("server_label", tool.server_label)
        )
        if name in taken:
            raise fault(f"there is already a tool '{name}'", index, key)
        taken.add(name)
        if isinstance(tool, McpTool):
            _refuse_credentials(tool, index)
    return tools


def _refuse_credentials(tool: McpTool, index: int) -> None:
    if "authorization" in (tool.model_extra or {}):
        raise fault("a scenario carries no keys", index, "authorization")
    for header in tool.headers or {}:
        if header.lower() in _KEY_HEADERS:
            raise fault("a scenario carries no keys", index, "headers", header)


Tools = Annotated[list[Tool], AfterValidator(_checked)]

ToolChoice = Annotated[
    Annotated[Literal["auto", "none", "required"], Tag("scalar")] | Annotated[NamedTool, Tag("mapping")],
    Discriminator(scalar_or_mapping),
]
