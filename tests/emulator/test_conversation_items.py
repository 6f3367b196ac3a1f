from __future__ import annotations

import pytest

from rtbench.core.audio import PCM16, PCMU, Audio
from rtbench.emulator.conversation_items import ROOT, ConversationItems, Item, client_item, user_audio_item
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.usage import Tokens


def text_item(item_id: str) -> Item:
    written = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": item_id}]}
    return client_item(written, PCM16, item_id)


def spoken_item(item_id: str, audio_ms: float) -> Item:
    content = [{"type": "output_audio", "transcript": "hello"}]
    json = {"id": item_id, "type": "message", "role": "assistant", "content": content}
    return Item(json, audio_ms)


def refused(action, *arguments) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as caught:
        action(*arguments)
    return caught.value.code, caught.value.param


def test_items_are_placed_at_the_end_at_the_front_or_after_another():
    items = ConversationItems()
    assert items.append(text_item("b")) is None
    assert items.append(text_item("c")) == "b"
    assert items.insert(text_item("a"), ROOT) is None
    assert items.insert(text_item("b2"), "b") == "b"
    assert items.insert(text_item("d"), None) == "c"
    assert [item.id for item in items] == ["a", "b", "b2", "c", "d"]


def test_an_id_is_taken_once():
    items = ConversationItems()
    items.append(text_item("a"))
    assert refused(items.insert, text_item("a"), None) == ("item_create_duplicate_item_id", "item.id")


def test_a_deleted_item_is_gone():
    items = ConversationItems()
    items.append(text_item("a"))
    items.delete("a")
    assert "a" not in items and list(items) == []
    assert refused(items.delete, "a") == ("item_delete_invalid_item_id", "item_id")


def test_a_tool_output_must_answer_a_call():
    items = ConversationItems()
    output = client_item({"type": "function_call_output", "call_id": "call_1", "output": "x"}, PCM16, "o")
    assert refused(items.insert, output, None) == ("invalid_tool_call_id", "item.call_id")
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    items.append(client_item(call, PCM16, "c"))
    assert items.insert(output, None) == "c"


def test_only_the_latest_user_audio_is_kept_for_retrieval():
    items = ConversationItems()
    items.append(user_audio_item("a", Audio(b"\1\0"), 1.0))
    assert items.retrieved("a")["content"] == [{"type": "input_audio", "transcript": None, "audio": "AQA="}]
    items.append(user_audio_item("b", Audio(b"\2\0"), 1.0))
    assert "audio" not in items.retrieved("a")["content"][0]
    assert items.retrieved("b")["content"][0]["audio"] == "AgA="
    assert refused(items.retrieved, "c") == ("item_retrieve_invalid_item_id", "item_id")


def test_truncation_keeps_what_was_heard_and_drops_the_transcript():
    items = ConversationItems()
    item = spoken_item("a", 1_000)
    items.append(item)
    items.truncate("a", 0, 400)
    assert (item.audio_ms, item.json["content"], item.truncated) == (400, [{"type": "output_audio"}], True)
    assert item.tokens() == Tokens(audio=8)


def test_truncation_is_refused_where_it_makes_no_sense():
    items = ConversationItems()
    items.append(spoken_item("a", 1_000.5))
    items.append(text_item("b"))
    assert refused(items.truncate, "a", 0, 1_001) == ("invalid_value", "audio_end_ms")
    assert refused(items.truncate, "a", 0, -1) == ("integer_below_min_value", "audio_end_ms")
    assert refused(items.truncate, "a", 1, 10) == ("invalid_value", "content_index")
    assert refused(items.truncate, "b", 0, 10) == ("invalid_value", "item_id")
    assert refused(items.truncate, "c", 0, 10) == ("item_truncate_invalid_item_id", "item_id")


def test_audio_of_a_client_is_measured_in_the_session_s_format_and_not_shown():
    audio = Audio(bytes(8_000)).base64.decode()
    written = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio}]}
    item = client_item(written, PCMU, "a")
    assert item.audio_ms == 1_000
    assert item.json["content"] == [{"type": "input_audio", "transcript": None}]
    assert item.tokens() == Tokens(audio=10)


def test_audio_of_a_client_must_be_base64():
    written = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "?"}]}
    assert refused(client_item, written, PCMU, "a") == ("invalid_value", "item.content[0].audio")


def test_images_count_by_their_detail():
    def image(detail: str) -> Item:
        content = [{"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": detail}]
        return client_item({"type": "message", "role": "user", "content": content}, PCM16, "a")

    assert image("low").tokens() == Tokens(image=85)
    assert image("high").tokens() == Tokens(image=765)


def test_calls_and_their_outputs_count_as_text():
    call = client_item({"type": "function_call", "name": "abcd", "arguments": "{}  "}, PCM16, "a")
    assert call.tokens() == Tokens(text=2)
    assert call.json["call_id"]
    output = client_item({"type": "function_call_output", "call_id": "c", "output": "12345"}, PCM16, "b")
    assert output.tokens() == Tokens(text=2)
