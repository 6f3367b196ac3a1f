from __future__ import annotations

from rtbench.core.client_events import ItemCreate, ItemDelete, ItemTruncate, ResponseCancel, ResponseCreate
from rtbench.core.response_events import (
    AudioDelta,
    AudioTranscriptDone,
    FunctionArgumentsDelta,
    FunctionArgumentsDone,
    ResponseCreated,
    ResponseDone,
    TextDelta,
    TextDone,
)
from rtbench.core.server_events import ItemAdded

TOOL = {
    "type": "function",
    "name": "order_status",
    "parameters": {
        "type": "object",
        "properties": {"order": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["order"],
    },
}
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello there"}]}


def test_a_text_response_has_text_events_and_no_audio(call):
    caller = call(response_delay="0 ms")
    caller.send(ResponseCreate(response={"output_modalities": ["text"]}))
    caller.wait(2_000)

    assert "".join(event.delta for event in caller.of(TextDelta)) == "one two three four"
    assert caller.of(TextDone)[0].text == "one two three four"
    assert not caller.of(AudioDelta)
    [done] = caller.of(ResponseDone)
    assert done.response["output"][0]["content"] == [{"type": "output_text", "text": "one two three four"}]
    assert done.response["usage"]["output_token_details"] == {"text_tokens": 5, "audio_tokens": 0}


def test_the_session_may_ask_for_text(call):
    caller = call(response_delay="0 ms")
    caller.update(output_modalities=["text"])
    caller.send(ResponseCreate())
    caller.wait(2_000)
    assert caller.of(TextDone) and not caller.of(AudioDelta)


def test_parameters_of_a_response_are_shown_in_it(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.send(
        ResponseCreate(
            response={
                "metadata": {"topic": "greeting"},
                "max_output_tokens": 100,
                "audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": {"id": "voice_1"}}},
            }
        )
    )
    response = caller.of(ResponseDone)[0].response
    assert response["metadata"] == {"topic": "greeting"}
    assert response["max_output_tokens"] == 100
    assert response["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "voice_1"}
    assert sum(event.delta.size_bytes for event in caller.of(AudioDelta)) == 800 * 8


def test_a_token_limit_makes_the_response_incomplete(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.send(ResponseCreate(response={"max_output_tokens": 8}))
    [done] = caller.of(ResponseDone)
    assert done.response["status"] == "incomplete"
    assert done.response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert done.response["output"][0]["status"] == "incomplete"
    assert done.response["usage"]["output_tokens"] <= 8
    assert sum(event.delta.size_bytes for event in caller.of(AudioDelta)) == 300 * 48


def test_a_limit_below_the_first_piece_gives_no_audio_at_all(call):
    caller = call(response_delay="50 ms")
    caller.send(ResponseCreate(response={"max_output_tokens": 1}))
    caller.wait(49)
    assert not caller.of(ResponseDone)
    caller.wait(1)
    assert caller.of(ResponseDone)[0].response["status"] == "incomplete"
    assert not caller.of(AudioDelta)


def test_a_client_cancels_the_active_response(call):
    caller = call(response_delay="0 ms", pace="1x")
    caller.send(ResponseCreate())
    caller.wait(250)
    caller.send(ResponseCancel())
    caller.wait(5_000)

    [done] = caller.of(ResponseDone)
    assert done.response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert len(caller.of(AudioDelta)) == 3
    assert (
        caller.of(AudioTranscriptDone)[0].transcript == done.response["output"][0]["content"][0]["transcript"]
    )
    assert caller.hang_up()[0].audio_ms == 300


def test_out_of_band_responses_run_beside_the_conversation_and_leave_it_alone(call):
    caller = call(response_delay="100 ms")
    caller.send(ResponseCreate())
    caller.send(ResponseCreate(response={"conversation": "none", "metadata": {"n": "1"}}))
    caller.send(ResponseCreate(response={"conversation": "none", "metadata": {"n": "2"}}))
    caller.wait(5_000)

    done = [event.response for event in caller.of(ResponseDone)]
    assert [response["status"] for response in done] == ["completed"] * 3
    assert sorted(response["conversation_id"] is None for response in done) == [False, True, True]
    assert len(caller.of(ItemAdded)) == 1
    assert [row.out_of_band for row in caller.hang_up()] == [True, True, False]


def test_an_out_of_band_response_is_cancelled_by_its_id_only(call):
    caller = call(response_delay="1 s")
    caller.send(ResponseCreate(response={"conversation": "none"}))
    caller.send(ResponseCancel())
    assert caller.errors() == [("response_cancel_not_active", None)]
    caller.send(ResponseCancel(response_id=caller.of(ResponseCreated)[0].response["id"]))
    assert caller.of(ResponseDone)[0].response["status"] == "cancelled"


def test_a_required_tool_is_called_with_arguments_of_its_schema(call):
    caller = call(response_delay="0 ms")
    caller.update(tools=[TOOL], tool_choice="required")
    caller.send(ResponseCreate())
    caller.wait(2_000)

    [done] = caller.of(FunctionArgumentsDone)
    assert done.arguments == '{"order": "text"}'
    assert done.name == "order_status"
    assert "".join(event.delta for event in caller.of(FunctionArgumentsDelta)) == done.arguments
    [item] = caller.of(ResponseDone)[0].response["output"]
    assert (item["type"], item["call_id"], item["status"]) == ("function_call", done.call_id, "completed")

    caller.send(
        ItemCreate(
            item={"type": "function_call_output", "call_id": done.call_id, "output": '{"state": "sent"}'}
        )
    )
    caller.send(ResponseCreate(response={"tool_choice": "none"}))
    caller.wait(2_000)
    assert caller.of(AudioDelta)


def test_the_agent_speaks_where_it_may_choose(call):
    caller = call(response_delay="0 ms")
    caller.update(tools=[TOOL], tool_choice="auto")
    caller.send(ResponseCreate())
    caller.wait(2_000)
    assert caller.of(AudioDelta) and not caller.of(FunctionArgumentsDone)


def test_audio_given_out_freezes_the_voice_and_text_does_not(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.send(ResponseCreate(response={"output_modalities": ["text"]}))
    caller.update(audio={"output": {"voice": "cedar"}})
    assert not caller.errors()
    caller.send(ResponseCreate())
    caller.update(audio={"output": {"voice": "marin"}})
    assert caller.errors() == [("cannot_update_voice", "session.audio.output.voice")]


def test_usage_counts_what_is_read_and_what_an_earlier_response_had_read(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.update(instructions="12345678")
    caller.speak(640)
    caller.pause(1_000)
    caller.send(ItemCreate(item=HELLO))
    caller.send(ResponseCreate())

    first, second = (event.response["usage"] for event in caller.of(ResponseDone))
    # 640 ms of speech, and 500 ms of silence after it: 12 tokens. Answer: 800 ms, 16 tokens.
    assert first["input_token_details"] == {
        "text_tokens": 2,
        "audio_tokens": 12,
        "image_tokens": 0,
        "cached_tokens": 0,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
    }
    assert first["output_token_details"] == {"text_tokens": 5, "audio_tokens": 16}
    assert first["total_tokens"] == 2 + 12 + 5 + 16
    assert second["input_token_details"]["audio_tokens"] == 12 + 16
    assert second["input_token_details"]["text_tokens"] == 2 + 3
    assert second["input_token_details"]["cached_tokens"] == 2 + 12


def test_a_cancelled_answer_counts_for_what_was_sent(call):
    caller = call(response_delay="0 ms", pace="1x")
    caller.update(instructions="")
    caller.send(ResponseCreate())
    caller.wait(250)
    caller.send(ResponseCancel())
    [done] = caller.of(ResponseDone)
    # Three chunks of 100 ms, at 50 ms a token; "one" and "two" begin in them, at 40 and 178 ms.
    said = done.response["output"][0]["content"][0]["transcript"]
    assert said == "one two"
    assert done.response["usage"]["output_token_details"] == {"text_tokens": 2, "audio_tokens": 6}


def test_truncated_audio_counts_for_what_was_heard(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.update(instructions="")
    caller.send(ResponseCreate())
    item_id = caller.of(ResponseDone)[0].response["output"][0]["id"]
    caller.send(ItemTruncate(item_id=item_id, content_index=0, audio_end_ms=100))
    caller.send(ResponseCreate())
    assert caller.of(ResponseDone)[1].response["usage"]["input_tokens"] == 2


def test_a_response_may_read_items_of_its_own_instead_of_the_conversation(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.update(instructions="")
    caller.send(ItemCreate(item={**HELLO, "id": "item_hello"}))
    caller.send(ResponseCreate(response={"conversation": "none", "input": []}))
    caller.send(
        ResponseCreate(
            response={
                "conversation": "none",
                "input": [{"type": "item_reference", "id": "item_hello"}, HELLO],
            }
        )
    )
    assert [event.response["usage"]["input_tokens"] for event in caller.of(ResponseDone)] == [0, 6]

    caller.send(ResponseCreate(response={"input": [{"type": "item_reference", "id": "no"}]}))
    assert caller.errors() == [("invalid_value", "response.input[0].id")]


def test_an_item_deleted_in_mid_answer_does_not_come_back(call):
    caller = call(response_delay="0 ms", pace="1x")
    caller.send(ResponseCreate())
    caller.wait(100)
    caller.send(ItemDelete(item_id=caller.of(ItemAdded)[0].item["id"]))
    caller.take()
    caller.wait(5_000)
    assert "conversation.item.done" not in caller.types()
