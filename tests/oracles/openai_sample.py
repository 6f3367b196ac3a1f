"""Messages made from the declarations of the `openai` package's types, by a seeded generator.

What the package's authors declare is what a service may send: every member, every variant, null
where it may be null. So these messages reach corners that no recorded conversation has.
"""

from __future__ import annotations

import random
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from openai._models import BaseModel

WORDS = ("", "item_1", 'say "yes"', "back\\slash", "Größe 東京", "new\nline", "{}", "\u2028")


def sample(declared: Any, rng: random.Random) -> Any:
    """A JSON value of a declared type; optional members are there, null, or absent."""
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is Annotated:
        return sample(arguments[0], rng)
    if origin in (Union, types.UnionType):
        return sample(rng.choice(arguments), rng)
    if origin is Literal:
        return rng.choice(arguments)
    if origin is list:
        return [sample(arguments[0], rng) for _ in range(rng.randrange(3))]
    if origin is dict:
        return {f"key_{index}": sample(arguments[1], rng) for index in range(rng.randrange(3))}
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        return {
            field.alias or name: sample(field.annotation, rng)
            for name, field in declared.model_fields.items()
            if field.is_required() or rng.random() < 0.7
        }
    return _scalar(declared, rng)


def _scalar(declared: Any, rng: random.Random) -> Any:
    if declared is str:
        return rng.choice(WORDS)
    if declared is int:
        return rng.choice((0, 1, 65_535, 2**40))
    if declared is float:
        return rng.choice((0.0, 0.25, 1.5e9, 7))
    if declared is bool:
        return rng.random() < 0.5
    if declared is object:
        return {"nested": [rng.choice(WORDS), None, 1]}
    if declared in (None, type(None)):
        return None
    raise NotImplementedError(f"no samples of {declared}")
