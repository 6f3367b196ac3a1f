"""Tools: passed on as written, no name twice, and no key in a scenario."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.scenario.tools import ToolChoice, Tools

TOOLS: TypeAdapter[Any] = TypeAdapter(Tools)
CHOICE: TypeAdapter[Any] = TypeAdapter(ToolChoice)

LOOKUP = {
    "type": "function",
    "name": "lookup",
    "description": "Looks an order up.",
    "parameters": {"type": "object", "properties": {"number": {"type": "string"}}},
}
SHOP = {
    "type": "mcp",
    "server_label": "shop",
    "server_url": "https://shop.test/mcp",
    "headers": {"X-Shop": "1"},
}


def fault_of(tools: object) -> tuple[Any, ...]:
    with pytest.raises(ValidationError) as caught:
        TOOLS.validate_python(tools)
    (error,) = caught.value.errors()
    return error["msg"], error["ctx"]["at"]


def test_tools_are_passed_on_as_they_are_written() -> None:
    tools = TOOLS.validate_python([LOOKUP, SHOP])
    assert TOOLS.dump_python(tools, mode="json", exclude_unset=True) == [LOOKUP, SHOP]


def test_no_two_tools_have_one_name() -> None:
    assert fault_of([LOOKUP, LOOKUP]) == ("there is already a tool 'lookup'", (1, "name"))
    assert fault_of([SHOP, SHOP]) == ("there is already a tool 'shop'", (1, "server_label"))


def test_no_tool_carries_a_key() -> None:
    assert fault_of([SHOP | {"authorization": "secret"}]) == (
        "a scenario carries no keys",
        (0, "authorization"),
    )
    assert fault_of([SHOP | {"headers": {"Authorization": "secret"}}]) == (
        "a scenario carries no keys",
        (0, "headers", "Authorization"),
    )


@pytest.mark.parametrize("choice", ["auto", "none", "required", {"type": "function", "name": "lookup"}])
def test_a_choice_is_a_mode_or_one_tool(choice: object) -> None:
    assert CHOICE.dump_python(CHOICE.validate_python(choice), mode="json", exclude_unset=True) == choice


@pytest.mark.parametrize("choice", ["any", {"name": "lookup"}, {"type": "function", "nmae": "lookup"}, 3])
def test_another_choice_is_refused(choice: object) -> None:
    with pytest.raises(ValidationError):
        CHOICE.validate_python(choice)
