"""The laws of the house, checked on the code itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "usherd"
MODULES = sorted(HOUSE.rglob("*.py"))

# A file may import only from floors below its own; the rules may import each other.
FLOORS: list[set[str]] = [
    {"errors", "clock", "ids", "phrases", "repeats", "eager"},
    {"settings"},
    {"params", "search", "query", "legacy_query", "conditions"},
    {"db"},
    {"vault"},
    {"query_sql", "query_leads", "query_shares"},
    {"agents", "geo"},
    {"models"},
    {"passwords", "hashing", "events", "metrics", "origins", "proxies", "wire", "wording", "mail",
     "transports", "policies", "formats", "pages", "oauth", "answers"},
    {"projects", "keys", "users", "sessions", "tokens", "targets", "identities", "mfa",
     "memberships", "teams", "logs", "jwts", "limits", "challenges",
     "outbox", "templates", "providers", "provider_tokens", "oauth_states", "linking", "proofs",
     "shown"},
    {"auth", "courier", "janitor"},
    {"house", "endpoints", "openapi", "logconfig"},
    {"http"},
    {"api"},
    {"app", "cli", "connection", "rotation"},
]  # fmt: skip
RULES = FLOORS[9]
WITHIN = [FLOORS[i] for i in (0, 2, 5, 8, 9, 11, 13, 14)]
"""Floors whose files may import each other."""


def room(module: str) -> str:
    """The part of the house that `usherd.x.y` belongs to."""
    return module.split(".")[1] if "." in module else ""


def floor_of(name: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if name in floor)


def imports(path: Path) -> set[str]:
    """The rooms that a file imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("usherd"):
            if node.module == "usherd":
                found |= {alias.name for alias in node.names}
            else:
                found.add(room(node.module))
        elif isinstance(node, ast.Import):
            found |= {room(a.name) for a in node.names if a.name.startswith("usherd.")}
    return {name for name in found if name and not name.startswith("_") and name.islower()}


def own_room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_point_one_way(path: Path) -> None:
    own = own_room(path)
    if own == "__init__":
        return
    for other in imports(path) - {own}:
        here, there = floor_of(own), floor_of(other)
        same = any(own in floor and other in floor for floor in WITHIN)
        assert there < here or same, f"{own} may not import {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_a_file_has_one_subject_and_a_function_fits_a_screen(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 420, "is there a second subject inside?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert lines <= 50, f"{node.name} is {lines} lines long"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_every_module_and_public_function_says_its_job(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if not tree.body:
        return
    assert ast.get_docstring(tree), "the module has no opening line"
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if public and not node.name.startswith("_") and own_room(path) != "errors":
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_only_db_knows_the_engines() -> None:
    for path in MODULES:
        if own_room(path) != "db":
            for line in path.read_text().splitlines():
                assert not line.strip().startswith(("import apsw", "import asyncpg")), path


def test_only_settings_reads_the_environment() -> None:
    for path in MODULES:
        text = path.read_text()
        if own_room(path) != "settings":
            assert "os.getenv" not in text, path
            assert "environ.get" not in text, path
            assert "environ[" not in text, path


def test_only_the_http_floor_and_the_tools_may_commit() -> None:
    for path in MODULES:
        if own_room(path) in RULES - {"keys", "projects"}:
            assert ".write()" not in path.read_text(), (
                f"{path}: a rule gets its tx, never opens one"
            )


def test_every_writing_endpoint_has_event_and_audit_or_says_why_not() -> None:
    from usherd.api import TABLE

    for endpoint in TABLE:
        if not endpoint.writes:
            assert endpoint.event is None, endpoint.path
            assert endpoint.audit is None, endpoint.path
        else:
            told = bool(endpoint.event) and bool(endpoint.audit)
            assert told or endpoint.quiet, f"{endpoint.method} {endpoint.path}"
        assert endpoint.scope, endpoint.path
        assert (endpoint.handler.__doc__ or "").strip(), f"{endpoint.path} has no docstring"


def test_the_users_service_has_its_42_endpoints() -> None:
    from usherd.api import TABLE

    users = {(e.method, e.path) for e in TABLE if e.path.startswith("/v1/users")}
    assert len(users) == 42
