"""The OpenAPI description of this server, generated from the endpoint table."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from usherd import COMPATIBLE_VERSION, models
from usherd.endpoints import Endpoint, Page, Redirect


def describe(table: Iterable[Endpoint]) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    endpoints = list(table)
    answers = {e.response for e in endpoints if _is_model(e.response)}
    _, components = msgspec.json.schema_components(
        answers, ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "usherd",
            "version": COMPATIBLE_VERSION,
            "description": "User management that every Appwrite SDK can talk to.",
        },
        "paths": paths,
        "components": {
            "schemas": components | {"Error": ERROR},
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header}
                for name, header in SCHEMES.items()
            },
        },
    }


SCHEMES = {
    "Project": "X-Appwrite-Project",
    "Key": "X-Appwrite-Key",
    "Session": "X-Appwrite-Session",
    "JWT": "X-Appwrite-JWT",
}

ERROR = {
    "type": "object",
    "required": ["message", "code", "type", "version"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "integer"},
        "type": {"type": "string"},
        "version": {"type": "string"},
    },
}


def _is_model(response: Any) -> bool:
    """Whether the answer's keys are the model's; those of preferences are the app's."""
    unlike = (models.Preferences, Redirect, Page)
    return isinstance(response, type) and response not in unlike


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    text = inspect.getdoc(endpoint.handler) or ""
    in_query = endpoint.method == "GET"
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": text.partition("\n")[0],
        "description": text,
        "security": _security(endpoint),
        "parameters": [
            {
                "name": a.wire,
                "in": "path" if a.in_path else "query",
                "required": a.required or a.in_path,
                "description": a.param.says,
                "schema": a.param.schema,
            }
            for a in endpoint.arguments
            if a.in_path or in_query
        ],
        "responses": _responses(endpoint),
        "x-usherd": {
            "method": endpoint.name,
            "scope": endpoint.scope,
            "event": endpoint.event,
            "audit": endpoint.audit,
        },
    }
    in_body = [a for a in endpoint.arguments if not a.in_path and not in_query]
    if in_body:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {a.wire: a.param.schema | {"description": a.param.says} for a in in_body},
        }
        required = [a.wire for a in in_body if a.required]
        if required:
            schema["required"] = required
        operation["requestBody"] = {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    """The verb and the path: several paths may be one operation of the SDKs."""
    words = re.findall(r"\w+", endpoint.path.removeprefix("/v1"))
    return "_".join([endpoint.method.lower(), *words])


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    project: dict[str, list[str]] = {"Project": []}
    if endpoint.scope == "account":
        return [project | {"Session": []}, project | {"JWT": []}]
    if endpoint.scope in ("public", "global", "sessions.write"):
        return [project]
    return [project | {"Key": []}]


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if endpoint.response is Page:
        success["content"] = {"text/html": {"schema": {"type": "string"}}}
    elif endpoint.status not in (204, 301):
        schema: dict[str, Any] = {"type": "object"}
        if _is_model(endpoint.response):
            schema = {"$ref": f"#/components/schemas/{endpoint.response.__name__}"}
        success["content"] = {"application/json": {"schema": schema}}
    error = {
        "description": "Refused; `type` says why and `message` what to do.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    return {str(endpoint.status): success, "default": error}
