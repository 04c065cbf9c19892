"""Reading what a client sent: strict JSON bodies and query strings, with errors that name bounds.

Bodies are decoded without conversions: the text "true" is not a confirmation. Query strings are
text by nature, so numbers in them are converted.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from quart import request

from web.encode import Json
from web.errors import Problem, invalid

T = TypeVar("T", bound=msgspec.Struct)

_SHOWN = 100
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_NAMED = re.compile(r"(?:unknown|required) field `(?P<name>[^`]*)`")
_BOUND = re.compile(r"(?:<=|>=|<|>) (?P<bound>-?\d+(?:\.\d+)?)")


async def body(model: type[T], *, optional: bool = False) -> T:
    """The request's JSON body as `model`; raises Problem 400 or 422."""
    raw: bytes = await request.get_data(cache=True, as_text=False, parse_form_data=False)
    if not raw:
        raw = b"{}" if optional else b"null"
    elif request.mimetype != "application/json":
        raise Problem(400, "not_json", "the body must be application/json")
    try:
        return msgspec.json.decode(raw, type=model)
    except msgspec.ValidationError as error:
        raise invalid([_field_error(str(error), _loose(raw))]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Problem(400, "malformed", "the body is not valid JSON") from None


def query(model: type[T]) -> T:
    """The query string as `model`; raises Problem 422."""
    given: dict[str, Json] = {}
    for name in request.args:
        values = request.args.getlist(name)
        if len(values) > 1:
            raise invalid([{"field": name[:_SHOWN], "value": None, "message": "given twice"}])
        given[name] = values[0]
    try:
        return msgspec.convert(given, model, strict=False)
    except msgspec.ValidationError as error:
        raise invalid([_field_error(str(error), given)]) from None


def _loose(raw: bytes) -> Json:
    """The body without a schema, to quote the offending value; None when that fails too."""
    try:
        loose: Json = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    return loose


def _field_error(message: str, data: Json) -> dict[str, Json]:
    at = _AT.search(message)
    named = _NAMED.search(message)
    path = at["path"] if at else ""
    name = ".".join(part for part in (path, named["name"] if named else "") if part)
    bound = _BOUND.search(message)
    error: dict[str, Json] = {
        "field": name[:_SHOWN],
        "value": _value(data, name),
        "message": _AT.sub("", message)[:200].replace("`", "'"),
    }
    if bound is not None:
        error["bound"] = float(bound["bound"]) if "." in bound["bound"] else int(bound["bound"])
    return error


def _value(data: Json, name: str) -> Json:
    """The offending value as it came, when it is a short scalar."""
    found = data.get(name) if isinstance(data, dict) else None
    if isinstance(found, str):
        return found[:_SHOWN]
    return found if isinstance(found, int | float | bool) else None
