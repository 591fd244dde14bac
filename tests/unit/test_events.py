"""Events: the names of each, and listeners that cannot harm each other."""

from __future__ import annotations

import pytest

from usherd import api, events


@pytest.mark.parametrize(("pattern", "ids", "names"), [
    ("users.[userId].create", {"userId": "u1"},
     ("users.u1.create", "users.u1", "users.*.create", "users.*")),
    ("users.[userId].update.email", {"userId": "u1"},
     ("users.u1.update.email", "users.u1.update", "users.u1",
      "users.*.update.email", "users.*.update", "users.*")),
    ("users.[userId].sessions.[sessionId].delete", {"userId": "u1", "sessionId": "s1"},
     ("users.u1.sessions.s1.delete", "users.u1.sessions.s1", "users.u1",
      "users.*.sessions.*.delete", "users.*.sessions.*", "users.*")),
])  # fmt: skip
def test_names(pattern: str, ids: dict[str, str], names: tuple[str, ...]) -> None:
    assert events.names(pattern, ids) == names


def test_every_writing_endpoint_has_an_event_and_an_audit_label_or_says_why_not() -> None:
    for endpoint in api.TABLE:
        if endpoint.method != "GET":
            assert endpoint.quiet or (endpoint.event and endpoint.audit), endpoint.path


def test_a_listener_that_fails_harms_nobody() -> None:
    bus = events.Bus()
    heard: list[str] = []

    def broken(event: events.Event) -> None:
        raise RuntimeError(event.pattern)

    bus.subscribe(broken)
    bus.subscribe(lambda event: heard.append(event.names[0]))
    bus.publish(events.Event("p", "users.[userId].create", {"userId": "u1"}, None, 1))
    assert heard == ["users.u1.create"]
