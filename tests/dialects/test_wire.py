from __future__ import annotations

import pytest

from rtbench.core.client_events import (
    ClientEvent,
    InputAudioClear,
    InputAudioCommit,
    ItemCreate,
    ItemTruncate,
)
from rtbench.dialects.wire import WireTable, WireType

CREATE = WireType("item.create", ItemCreate)
TRUNCATE = WireType("item.truncate", ItemTruncate)


def test_row_lists_the_event_s_fields_in_order_without_its_id():
    assert TRUNCATE.fields == ("item_id", "content_index", "audio_end_ms")


def test_row_is_found_by_its_wire_type():
    table: WireTable[ClientEvent] = WireTable((CREATE, TRUNCATE))
    assert table.named("item.truncate") is TRUNCATE
    assert table.named("item.eat") is None
    assert list(table) == [CREATE, TRUNCATE]


def test_message_opens_with_type_and_event_id():
    message = WireTable((TRUNCATE,)).members(ItemTruncate(item_id="i", content_index=0, audio_end_ms=5), "e1")
    assert list(message.items()) == [
        ("type", "item.truncate"),
        ("event_id", "e1"),
        ("item_id", "i"),
        ("content_index", 0),
        ("audio_end_ms", 5),
    ]


def test_field_without_value_is_left_out():
    assert WireTable((CREATE,)).members(ItemCreate(item={}), None) == {"type": "item.create", "item": {}}


def test_field_without_value_is_null_where_the_row_says_so():
    row = WireType("item.create", ItemCreate, nulls=frozenset({"previous_item_id"}))
    assert WireTable((row,)).members(ItemCreate(item={}), None)["previous_item_id"] is None


def test_message_without_event_id_never_gets_one():
    row = WireType("clear", InputAudioClear, has_event_id=False)
    assert WireTable((row,)).members(InputAudioClear(), "e1") == {"type": "clear"}


def test_event_outside_the_table_is_refused_by_name():
    with pytest.raises(TypeError, match="InputAudioCommit has no message"):
        WireTable((CREATE,)).members(InputAudioCommit(), None)


@pytest.mark.parametrize("double", [WireType("item.create", ItemTruncate), WireType("other", ItemCreate)])
def test_rows_must_not_share_a_name_or_a_class(double: WireType[ClientEvent]):
    with pytest.raises(ValueError, match="twice"):
        WireTable((CREATE, double))


def test_unknown_fields_are_those_that_the_row_lacks():
    message = {"type": "item.create", "event_id": "e", "item": {}, "previous_item_id": None, "colour": 1}
    assert set(WireTable((CREATE,)).unknown_fields("item.create", message)) == {"colour"}
