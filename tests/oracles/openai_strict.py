"""Strict parsing with the `openai` package's own types, which by themselves accept nearly anything.

A value fits a type when every member is declared, every required member is there, and all values
have the declared types, null only where the type says so. AssertionErrors name the path at fault.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typing_extensions
from openai._models import construct_type_unchecked
from openai.types.realtime import (
    RealtimeClientEvent,
    RealtimeServerEvent,
    RealtimeSessionCreateResponse,
    RealtimeTranscriptionSessionCreateResponse,
)
from openai.types.realtime.response_create_event_with_references_param import (
    ResponseCreateEventWithReferencesParam,
)
from pydantic import BaseModel

SESSION_RESPONSES = {
    "realtime": RealtimeSessionCreateResponse,
    "transcription": RealtimeTranscriptionSessionCreateResponse,
}
SESSION_MEMBERS_OF_THE_SERVER = ("id", "object", "expires_at")
"""The package types the session of server events as the request's; a server adds these, which only its
types of client secrets declare."""


def parse_server_event(message: Mapping[str, Any]) -> BaseModel:
    """The package's model of a server event, of the class that its `type` names."""
    model = _class_of(message, SERVER_EVENTS)
    declared = dict(message)
    if message["type"] in ("session.created", "session.updated"):
        declared["session"] = _without_server_members(message.get("session"))
    _require(declared, model, message["type"])
    return _construct(message, RealtimeServerEvent, model)


def parse_client_event(message: Mapping[str, Any]) -> BaseModel:
    """The package's model of a client event; the `input` of a response may also hold item references."""
    model = _class_of(message, CLIENT_EVENTS)
    accepted = (
        model | ResponseCreateEventWithReferencesParam if message["type"] == "response.create" else model
    )
    _require(message, accepted, message["type"])
    return _construct(message, RealtimeClientEvent, model)


def mistakes(value: object, declared: Any, path: str) -> Iterator[str]:
    """All that is wrong with a value of this declared type, each with its path."""
    declared = _plain(declared)
    origin, arguments = get_origin(declared), get_args(declared)
    if declared in (Any, object):
        return
    if origin in (Union, types.UnionType):
        yield from _mistakes_of_best_variant(value, arguments, path)
    elif origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in arguments):
            yield f"{path}: {value!r} is none of {arguments}"
    elif members := _declared_members(declared):
        yield from _mistakes_of_object(value, members, path)
    elif origin is dict:
        yield from _mistakes_of_mapping(value, arguments[1], path)
    elif isinstance(origin, type) and hasattr(origin, "__iter__"):
        yield from _mistakes_of_list(value, arguments, path)
    elif not _is_scalar(value, declared):
        yield f"{path}: {value!r} is not {getattr(declared, '__name__', declared)}"


def _mistakes_of_best_variant(value: object, variants: tuple[Any, ...], path: str) -> Iterator[str]:
    found = [list(mistakes(value, variant, path)) for variant in variants]
    yield from min(found, key=len)


def _mistakes_of_object(value: object, members: dict[str, tuple[Any, bool]], path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is not an object"
        return
    for name in value.keys() - members.keys():
        yield f"{path}.{name}: unknown field"
    for name, (declared, required) in members.items():
        if name in value:
            yield from mistakes(value[name], declared, f"{path}.{name}")
        elif required:
            yield f"{path}.{name}: missing field"


def _mistakes_of_list(value: object, arguments: tuple[Any, ...], path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not an array"
        return
    for index, entry in enumerate(value):
        yield from mistakes(entry, arguments[0], f"{path}[{index}]")


def _mistakes_of_mapping(value: object, declared: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is not an object"
        return
    for name, entry in value.items():
        yield from mistakes(entry, declared, f"{path}.{name}")


def _plain(declared: Any) -> Any:
    """The type behind aliases, annotations and `Required`."""
    while True:
        if hasattr(declared, "__value__"):
            declared = declared.__value__
        elif get_origin(declared) in (Annotated, typing_extensions.Required, typing_extensions.NotRequired):
            declared = get_args(declared)[0]
        else:
            return declared


def _declared_members(declared: Any) -> dict[str, tuple[Any, bool]]:
    """Members of a model or a typed dictionary: the declared type of each, and whether it must be there."""
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        return {
            field.alias or name: (field.annotation, field.is_required())
            for name, field in declared.model_fields.items()
        }
    if typing_extensions.is_typeddict(declared):
        hints = get_type_hints(declared, include_extras=True)
        return {name: (hint, get_origin(hint) is typing_extensions.Required) for name, hint in hints.items()}
    return {}


def _is_scalar(value: object, declared: Any) -> bool:
    if declared in (None, type(None)):
        return value is None
    if isinstance(value, bool):
        return declared is bool
    return isinstance(value, (int, float) if declared is float else declared)


def _without_server_members(session: object) -> object:
    """The session with its server's members checked by the types that declare them, and taken out."""
    if not isinstance(session, Mapping):
        return session
    model = SESSION_RESPONSES.get(session.get("type"))
    assert model is not None, f"session.type: {session.get('type')!r} is unknown"
    for name in SESSION_MEMBERS_OF_THE_SERVER:
        field = model.model_fields[name]
        if name in session:
            _require(session[name], field.annotation, f"session.{name}")
        else:
            assert not field.is_required(), f"session.{name}: missing field"
    return {name: value for name, value in session.items() if name not in SESSION_MEMBERS_OF_THE_SERVER}


def _class_of(message: Mapping[str, Any], classes: dict[str, type[BaseModel]]) -> type[BaseModel]:
    assert message.get("type") in classes, f"type: {message.get('type')!r} is unknown"
    return classes[message["type"]]


def _require(value: object, declared: Any, path: str) -> None:
    found = list(mistakes(value, declared, path))
    assert not found, "; ".join(found)


def _construct(message: Mapping[str, Any], union: Any, model: type[BaseModel]) -> BaseModel:
    """The model as the package's client makes it, of the right class."""
    event = construct_type_unchecked(value=dict(message), type_=union)
    assert type(event) is model, f"type: {message['type']!r} became {type(event).__name__}"
    return event


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    models = get_args(_plain(union))
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


SERVER_EVENTS = _by_type(RealtimeServerEvent)
CLIENT_EVENTS = _by_type(RealtimeClientEvent)
