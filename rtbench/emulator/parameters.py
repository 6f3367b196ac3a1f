"""The shapes of what clients may set: the session, a response's own parameters, conversation items.

After the GA API's reference: `RealtimeSessionCreateRequest`, `RealtimeResponseCreateParams`,
`ConversationItem`.
"""

from __future__ import annotations

from rtbench.emulator.checks import (
    Check,
    anything,
    array,
    choice,
    constant_or,
    decimal,
    flag,
    integer,
    nullable,
    record,
    table,
    tagged,
    text,
    text_or,
)

MAX_OUTPUT_TOKENS = 4096
"""Largest number that `max_output_tokens` takes, beside "inf"."""

_FORMAT = tagged(
    {
        "audio/pcm": record({"type": anything, "rate": integer(24_000, 24_000)}),
        "audio/pcmu": record({"type": anything}),
        "audio/pcma": record({"type": anything}),
    }
)
_VOICE = text_or(record({"id": text()}, required=("id",)))
_TOKENS = constant_or("inf", integer(1, MAX_OUTPUT_TOKENS))
_REASONING = record({"effort": choice("minimal", "low", "medium", "high", "xhigh")})
_PROMPT = record(
    {"id": text(), "version": nullable(text()), "variables": nullable(anything)}, required=("id",)
)

_TURN_DETECTION = tagged(
    {
        "server_vad": record(
            {
                "type": anything,
                "threshold": decimal(0.0, 1.0),
                "prefix_padding_ms": integer(0),
                "silence_duration_ms": integer(0),
                "idle_timeout_ms": nullable(integer(5_000, 30_000)),
                "create_response": flag,
                "interrupt_response": flag,
            }
        ),
        "semantic_vad": record(
            {
                "type": anything,
                "eagerness": choice("low", "medium", "high", "auto"),
                "create_response": flag,
                "interrupt_response": flag,
            }
        ),
    }
)

_TRANSCRIPTION = record(
    {
        "model": text(),
        "language": nullable(text()),
        "languages": nullable(array(text())),
        "prompt": nullable(text()),
        "keywords": nullable(array(text())),
        "delay": nullable(choice("minimal", "low", "medium", "high", "xhigh")),
    }
)

_TOOL = tagged(
    {
        "function": record(
            {
                "type": anything,
                "name": text(),
                "description": nullable(text()),
                "parameters": nullable(anything),
            },
            required=("name",),
        ),
        "mcp": record(
            {
                "type": anything,
                "server_label": text(),
                "server_url": nullable(text()),
                "connector_id": nullable(text()),
                "tunnel_id": nullable(text()),
                "server_description": nullable(text()),
                "authorization": nullable(text()),
                "headers": nullable(anything),
                "allowed_tools": nullable(anything),
                "allowed_callers": nullable(array(choice("direct", "programmatic"))),
                "require_approval": nullable(anything),
                "defer_loading": nullable(flag),
            },
            required=("server_label",),
        ),
    }
)
_NAMED_TOOL = tagged(
    {
        "function": record({"type": anything, "name": text()}, required=("name",)),
        "mcp": record(
            {"type": anything, "server_label": text(), "name": nullable(text())}, required=("server_label",)
        ),
    }
)
_TOOL_MODES = choice("auto", "none", "required")


def _tool_choice(value: object, param: str) -> None:
    (_TOOL_MODES if isinstance(value, str) else _NAMED_TOOL)(value, param)


_TRUNCATION = tagged(
    {
        "retention_ratio": record(
            {
                "type": anything,
                "retention_ratio": decimal(0.0, 1.0),
                "token_limits": nullable(record({"post_instructions": integer(0)})),
            },
            required=("retention_ratio",),
        )
    }
)
_TRACING = record({"workflow_name": text(), "group_id": text(), "metadata": anything})


def _modalities(value: object, param: str) -> None:
    # Either of the two, never both: "it is not possible to request both" (API reference).
    array(choice("text", "audio"), max_length=1)(value, param)


SESSION: Check = record(
    {
        "type": choice("realtime"),
        "model": text(),
        "instructions": nullable(text()),
        "output_modalities": _modalities,
        "max_output_tokens": nullable(_TOKENS),
        "tools": nullable(array(_TOOL)),
        "tool_choice": nullable(_tool_choice),
        "parallel_tool_calls": nullable(flag),
        "reasoning": nullable(_REASONING),
        "prompt": nullable(_PROMPT),
        "tracing": nullable(constant_or("auto", _TRACING)),
        "truncation": nullable(constant_or("auto", constant_or("disabled", _TRUNCATION))),
        "include": nullable(array(choice("item.input_audio_transcription.logprobs"))),
        "audio": record(
            {
                "input": record(
                    {
                        "format": _FORMAT,
                        "noise_reduction": nullable(
                            record(
                                {"type": choice("near_field", "far_field"), "strength": decimal(0.0, 1.0)},
                            )
                        ),
                        "transcription": nullable(_TRANSCRIPTION),
                        "turn_detection": nullable(_TURN_DETECTION),
                    }
                ),
                "output": record({"format": _FORMAT, "voice": _VOICE, "speed": decimal(0.25, 1.5)}),
            }
        ),
    },
    required=("type",),
)

_STATUS = choice("completed", "incomplete", "in_progress")
_ITEM_FIELDS: dict[str, Check] = {
    "type": anything,
    "id": text(),
    "object": choice("realtime.item"),
    "status": _STATUS,
}

_INPUT_TEXT = record({"type": anything, "text": text()}, required=("text",))
_USER_CONTENT = tagged(
    {
        "input_text": _INPUT_TEXT,
        "input_audio": record({"type": anything, "audio": text(), "transcript": nullable(text())}),
        "input_image": record(
            {"type": anything, "image_url": text(), "detail": choice("auto", "low", "high")},
            required=("image_url",),
        ),
    }
)
_ASSISTANT_CONTENT = tagged(
    {
        "output_text": record({"type": anything, "text": text()}, required=("text",)),
        "output_audio": record({"type": anything, "audio": text(), "transcript": nullable(text())}),
    }
)


def _message(content: Check) -> Check:
    return record({**_ITEM_FIELDS, "role": anything, "content": array(content)}, required=("content",))


ITEM: Check = tagged(
    {
        "message": tagged(
            {
                "system": _message(tagged({"input_text": _INPUT_TEXT})),
                "user": _message(_USER_CONTENT),
                "assistant": _message(_ASSISTANT_CONTENT),
            },
            tag="role",
        ),
        "function_call": record(
            {**_ITEM_FIELDS, "name": text(), "call_id": text(), "arguments": text()},
            required=("name", "arguments"),
        ),
        "function_call_output": record(
            {**_ITEM_FIELDS, "call_id": text(), "output": text()}, required=("call_id", "output")
        ),
        "mcp_approval_response": record(
            {**_ITEM_FIELDS, "approval_request_id": text(), "approve": flag, "reason": nullable(text())},
            required=("approval_request_id", "approve"),
        ),
    }
)

_REFERENCE = record({"type": anything, "id": text()}, required=("id",))


def _input_item(value: object, param: str) -> None:
    reference = isinstance(value, dict) and value.get("type") == "item_reference"
    (_REFERENCE if reference else ITEM)(value, param)


RESPONSE: Check = record(
    {
        "conversation": constant_or("auto", choice("auto", "none")),
        "input": nullable(array(_input_item)),
        "instructions": nullable(text()),
        "output_modalities": nullable(_modalities),
        "audio": nullable(record({"output": nullable(record({"format": _FORMAT, "voice": _VOICE}))})),
        "max_output_tokens": nullable(_TOKENS),
        # 16 pairs, keys of at most 64 and values of at most 512 characters (API reference, "metadata").
        "metadata": nullable(table(text(512), max_entries=16, max_key_length=64)),
        "tools": nullable(array(_TOOL)),
        "tool_choice": nullable(_tool_choice),
        "parallel_tool_calls": nullable(flag),
        "reasoning": nullable(_REASONING),
        "prompt": nullable(_PROMPT),
    }
)
