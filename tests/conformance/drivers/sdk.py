"""What the drivers of the Python SDK share: clients, a record of what was called, questions."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import sys
from typing import Any

from appwrite.client import Client  # type: ignore[import-not-found]
from appwrite.exception import AppwriteException  # type: ignore[import-not-found]
from appwrite.services.account import Account  # type: ignore[import-not-found]


def plain(answer: Any) -> Any:
    """What older SDKs return: the JSON."""
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


class Recorder:
    """A service that adds to `called` which of its methods were called."""

    def __init__(self, service: Any, called: set[str] | None = None) -> None:
        self._service = service
        self._called = set() if called is None else called

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._called.add(name)
            return plain(method(*args, **kwargs))

        return call


def client(**setters: str) -> Any:
    """A client of the project; `key="..."` calls `set_key`, and so on."""
    made = Client()
    made.set_endpoint(os.environ["ENDPOINT"])
    made.set_project(os.environ["PROJECT"])
    for name, value in setters.items():
        getattr(made, f"set_{name}")(value)
    return made


def account(called: set[str] | None = None, **setters: str) -> Any:
    """The Account service of somebody."""
    return Recorder(Account(client(**setters)), called)


def methods(service: type) -> set[str]:
    """The names of what an SDK's class can do."""
    return {name for name, _ in inspect.getmembers(service, inspect.isfunction) if name[0] != "_"}


def enum(module: str, name: str, member: str) -> Any:
    return getattr(getattr(importlib.import_module(f"appwrite.enums.{module}"), name), member)


def refused(code: int, type_: str, method: Any, *args: Any, **kwargs: Any) -> None:
    try:
        method(*args, **kwargs)
    except AppwriteException as error:
        if (error.code, error.type) == (code, type_):
            return
        raise
    raise AssertionError(f"{method} should have been refused with {type_}")


REPLACEMENTS: dict[str, Any] = {"impersonator": True, "queries": [], "email": "a@b.example"}
"""Arguments by which a method is called that has no route; any other one is `x`."""


def refused_all(service: Any, names: set[str]) -> None:
    """Each of these methods is answered with a clean 404: there is no such route."""
    for name in sorted(names):
        method = getattr(service, name)
        parameters = inspect.signature(method).parameters.values()
        given = {p.name: REPLACEMENTS.get(p.name, "x") for p in parameters if p.default is p.empty}
        refused(404, "general_route_not_found", method, **given)


def ask(what: str, of: str) -> Any:
    """Ask whoever runs this driver; see `driving.World`."""
    print(json.dumps({"ask": what, "of": of}), flush=True)
    return json.loads(sys.stdin.readline())
