"""The conversation: its items in order, as the service holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rtbench.core.audio import Audio, AudioFormat
from rtbench.core.client_events import Json
from rtbench.emulator import parameters, refusal, usage
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.usage import Tokens

ROOT = "root"
"""As `previous_item_id`: before all items."""


@dataclass(slots=True, eq=False)
class Item:
    """One item. `json` is what events show of it, which never includes audio."""

    json: dict[str, Any]
    audio_ms: float = 0.0
    """Playing time of its audio, as far as it is given out or was kept by truncation."""

    audio: Audio | None = None
    """A user's audio, in the format in which it came."""

    truncated: bool = False

    @property
    def id(self) -> str:
        item_id: str = self.json["id"]
        return item_id

    def tokens(self) -> Tokens:
        """What it counts for when a response reads it; the transcript of audio is not read again."""
        match self.json["type"]:
            case "function_call":
                return Tokens(text=usage.text_tokens(self.json["name"] + self.json["arguments"]))
            case "function_call_output":
                return Tokens(text=usage.text_tokens(self.json["output"]))
            case "message":
                return sum((self._part_tokens(part) for part in self.json["content"]), Tokens())
        return Tokens()

    def _part_tokens(self, part: Json) -> Tokens:
        match part["type"]:
            case "input_audio":
                return Tokens(audio=usage.user_audio_tokens(self.audio_ms))
            case "output_audio":
                return Tokens(audio=usage.assistant_audio_tokens(self.audio_ms))
            case "input_image":
                low = part.get("detail") == "low"
                return Tokens(image=usage.LOW_DETAIL_IMAGE_TOKENS if low else usage.IMAGE_TOKENS)
        return Tokens(text=usage.text_tokens(part["text"]))


def user_audio_item(item_id: str, audio: Audio, audio_ms: float) -> Item:
    """The item of a committed turn of the user."""
    content = [{"type": "input_audio", "transcript": None}]
    return Item(
        {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": content,
        },
        audio_ms,
        audio,
    )


def client_item(written: Any, fmt: AudioFormat, item_id: str, param: str = "item") -> Item:
    """An item as a client wrote it; `item_id` is for one without an id, `fmt` that of user audio.

    Raises Refusal where it is not an item, or its audio not base64.
    """
    parameters.ITEM(written, param)
    json = {"id": item_id, "object": "realtime.item", "status": "completed", **written}
    if json["type"] != "message":
        if json["type"] == "function_call":
            json.setdefault("call_id", f"call_{item_id}")
        return Item(json)
    audio_ms, kept = 0.0, b""
    content = []
    for index, part in enumerate(json["content"]):
        shown = {key: value for key, value in part.items() if key != "audio"}
        if "audio" in part:
            kept = _decoded(part["audio"], f"{param}.content[{index}].audio")
            audio_ms += fmt.duration_ns(len(kept)) / 1e6
        if part["type"] in ("input_audio", "output_audio"):
            shown.setdefault("transcript", None)
        content.append(shown)
    return Item(
        {**json, "content": content}, audio_ms, Audio(kept) if kept and json["role"] == "user" else None
    )


def _decoded(base64: str, param: str) -> bytes:
    try:
        return Audio(base64=base64).data
    except ValueError:
        raise refusal.invalid_audio(param) from None


class ConversationItems:
    """The items of the default conversation, in order."""

    def __init__(self) -> None:
        self._order: list[Item] = []
        self._by_id: dict[str, Item] = {}
        self._with_audio: Item | None = None

    def __iter__(self) -> Iterator[Item]:
        return iter(self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._by_id

    def append(self, item: Item) -> str | None:
        """Put an item at the end; the id of the one before it."""
        return self._insert(len(self._order), item)

    def insert(self, item: Item, previous_item_id: str | None) -> str | None:
        """Put a client's item after another, first with ROOT, last with None; the id of the one before it.

        Raises Refusal where the id is taken, the other item unknown, or a tool's output answers no call.
        """
        if item.id in self._by_id:
            message = f"Error adding item: an item with id '{item.id}' already exists."
            raise Refusal(message, code="item_create_duplicate_item_id", param="item.id")
        self._refuse_stray_output(item.json)
        if previous_item_id is None:
            return self.append(item)
        if previous_item_id == ROOT:
            return self._insert(0, item)
        previous = self._by_id.get(previous_item_id)
        if previous is None:
            message = f"Error adding item: the previous item with id '{previous_item_id}' does not exist."
            raise Refusal(message, code="item_create_invalid_previous_item_id", param="previous_item_id")
        return self._insert(self._order.index(previous) + 1, item)

    def before(self, item: Item) -> str | None:
        """The id of the item before this one, None where it is the first."""
        index = self._order.index(item)
        return self._order[index - 1].id if index else None

    def retrieved(self, item_id: str) -> Json:
        """An item with its audio, which is kept for the latest user item only: an hour of calls would not fit memory."""
        item = self._known(item_id, "retrieving", "retrieve")
        if item.audio is None:
            return item.json
        encoded = item.audio.base64.decode("ascii")
        content = [
            {**part, "audio": encoded} if part["type"] == "input_audio" else part
            for part in item.json["content"]
        ]
        return {**item.json, "content": content}

    def delete(self, item_id: str) -> None:
        """Raises Refusal where there is no such item."""
        item = self._known(item_id, "deleting", "delete")
        self._order.remove(item)
        del self._by_id[item_id]

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Keep of an assistant's audio what was heard, and drop its transcript, which says more than that.

        Raises Refusal where the item is unknown, has no assistant audio, or is shorter.
        """
        item = self._known(item_id, "truncating", "truncate")
        if item.json["type"] != "message" or item.json["role"] != "assistant":
            message = "Only model output audio messages can be truncated."
            raise Refusal(message, code="invalid_value", param="item_id")
        content = item.json["content"]
        if content and (content_index != 0 or content[0]["type"] != "output_audio"):
            message = f"Error truncating item: content part {content_index} has no output audio."
            raise Refusal(message, code="invalid_value", param="content_index")
        if audio_end_ms < 0:
            raise refusal.out_of_range("audio_end_ms", "integer", audio_end_ms, 0, None)
        if audio_end_ms > item.audio_ms:
            message = f"Audio content of {int(item.audio_ms)}ms is already shorter than {audio_end_ms}ms"
            raise Refusal(message, code="invalid_value", param="audio_end_ms")
        item.audio_ms = audio_end_ms
        item.truncated = True
        item.json = {**item.json, "content": [{"type": "output_audio"}]}

    def _insert(self, index: int, item: Item) -> str | None:
        self._order.insert(index, item)
        self._by_id[item.id] = item
        if item.audio is not None:
            if self._with_audio is not None:
                self._with_audio.audio = None
            self._with_audio = item
        return self._order[index - 1].id if index else None

    def _known(self, item_id: str, action: str, code_verb: str) -> Item:
        item = self._by_id.get(item_id)
        if item is None:
            raise refusal.unknown_item(action, code_verb, item_id)
        return item

    def _refuse_stray_output(self, json: Json) -> None:
        if json["type"] != "function_call_output":
            return
        call_id = json["call_id"]
        calls = (item.json.get("call_id") for item in self._order if item.json["type"] == "function_call")
        if call_id not in calls:
            message = f"Tool call ID '{call_id}' not found in conversation."
            raise Refusal(message, code="invalid_tool_call_id", param="item.call_id")
