"""The description of every route, built from the structs the handlers decode and encode.

quart-schema collects the routes; its own schema builder keeps only the first struct of a model,
so nested structs and lists are described here. Decimals leave as JSON numbers, which a struct's
schema does not know either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec
import quart_schema
from quart_schema import Info, OpenAPIProvider, QuartSchema
from quart_schema.openapi import HttpSecurityScheme
from quart_schema.validation import DataSource
from werkzeug.routing import Rule

from web.errors import PROBLEM_JSON

F = TypeVar("F", bound=Callable[..., Any])
_REF = "#/components/schemas/{name}"
_MEDIA = "_trimtab_media_type"
_KEYED = "_trimtab_keyed"
_EMPTY = "_trimtab_empty"
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body is the same request.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
EVENT_STREAM = "text/event-stream"
# Its decorators are not typed completely.
_schema_tools: Any = quart_schema


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with a field; `path` and `line` say where in a text that is one."""

    field: str
    message: str
    value: str | int | float | bool | None = None
    bound: float | None = None
    path: str | None = None
    line: int | None = None


class BlockedBy(msgspec.Struct, frozen=True):
    """A gate that stopped an order, and from when on it might not."""

    gate: str
    reason: str
    retry_after: datetime | None = None


class ProblemDocument(msgspec.Struct, frozen=True):
    """What every answer that is not a success looks like; `code` is for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    correlation_id: str
    errors: list[FieldError] = []
    run_id: str | None = None
    blocked_by: list[BlockedBy] = []
    intent_id: int | None = None
    client_order_id: int | None = None
    order_state: str | None = None


def describe(
    *,
    answer: Any = None,
    query: Any = None,
    body: Any = None,
    created: Any = None,
    accepted: Any = None,
    empty: bool = False,
    media: str | None = None,
    keyed: bool = False,
) -> Callable[[F], F]:
    """State what a handler takes and gives.

    `created` is the answer with status 201, `accepted` that with 202; `empty` marks a success
    without content (204), `media` one that is not JSON, `keyed` a request that may carry an
    Idempotency-Key.
    """

    def mark(handler: F) -> F:
        given = {200: answer, 201: created, 202: accepted}
        responses = {status: (model, None) for status, model in given.items() if model is not None}
        setattr(handler, _MEDIA, media)
        setattr(handler, _KEYED, keyed)
        setattr(handler, _EMPTY, empty)
        marked: F = _schema_tools.document(querystring=query, request=body, responses=responses)(
            handler
        )
        return marked

    return mark


def hide(handler: F) -> F:
    """Leave a handler out of the description."""
    hidden: F = _schema_tools.hide(handler)
    return hidden


class Provider(OpenAPIProvider):
    """Complete schemas for structs, lists of structs, streams and errors."""

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        described: Any = super()
        paths, components = described.build_paths(rule)
        handler = self._app.view_functions[rule.endpoint]
        failure, parts = _schema(ProblemDocument)
        for operations in paths.values():
            for operation in operations.values():
                if getattr(handler, _EMPTY, False):
                    operation["responses"] = {204: {"description": "Done."}}
                if getattr(handler, _KEYED, False):
                    operation["parameters"] = [*operation["parameters"], _KEY_PARAMETER]
                operation["responses"] = {
                    **_success(operation["responses"], getattr(handler, _MEDIA, None)),
                    "default": {
                        "description": "Anything that is not a success.",
                        "content": {PROBLEM_JSON: {"schema": failure}},
                    },
                }
        return paths, {**components, **parts}

    def build_querystring_parameters(
        self, model: Any
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        _, components = _schema(model)
        schema = components.pop(model.__name__)
        needed = schema.get("required", ())
        parameters = [
            {"name": name, "in": "query", "required": name in needed, "schema": kind}
            for name, kind in schema["properties"].items()
        ]
        return parameters, components

    def build_request_body(
        self, model: Any, source: DataSource
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        del source
        schema, components = _schema(model)
        return {"content": {"application/json": {"schema": schema}}, "required": True}, components

    def build_response_object(
        self, model: Any, headers_model: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        del headers_model
        schema, components = _schema(model)
        text = (getattr(model, "__doc__", None) or "").strip() if isinstance(model, type) else ""
        return {
            "description": text,
            "content": {"application/json": {"schema": schema}},
        }, components


def _success(responses: dict[Any, Any], media_type: str | None) -> dict[str, Any]:
    if media_type is None:
        return {str(status): response for status, response in responses.items()}
    return {"200": {"description": "", "content": {media_type: {"schema": {"type": "string"}}}}}


def _schema(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of `model` and of everything it refers to."""
    (schema,), components = msgspec.json.schema_components([model], ref_template=_REF)
    return cast(dict[str, Any], _numbers(schema)), cast(dict[str, Any], _numbers(components))


def _numbers(node: Any) -> Any:
    """`node` with every decimal text declared as the number that is sent."""
    if isinstance(node, dict):
        fields = cast(dict[str, Any], node)
        if fields.get("format") == "decimal":
            return {"type": "number"}
        return {key: _numbers(value) for key, value in fields.items()}
    if isinstance(node, list):
        return [_numbers(item) for item in cast(Iterable[Any], node)]
    return node


def extension(version: str) -> QuartSchema:
    """The extension with its document only: its own pages would load scripts from other hosts."""
    return QuartSchema(
        openapi_path="/openapi.json",
        redoc_ui_path=None,
        scalar_ui_path=None,
        swagger_ui_path=None,
        info=Info(title="Trimtab", version=version),
        conversion_preference="msgspec",
        openapi_provider_class=Provider,
        security_schemes={"token": HttpSecurityScheme(scheme="bearer")},
    )
