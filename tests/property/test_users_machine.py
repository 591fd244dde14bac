"""Any sequence of operations on users: the server agrees with a dictionary that plays along."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Api, unique

EMAILS = st.sampled_from([f"p{n}@example.org" for n in range(4)] + ["P1@Example.ORG"])
PHONES = st.sampled_from([f"+4915110000{n}" for n in range(3)])


class Users(RuleBasedStateMachine):
    """What is known of every user, and what the server says."""

    api: Api
    users = Bundle("users")
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.open: dict[str, tuple[str, str]] = {}
        for user in self.api.call("GET", "/users").json["users"]:
            self.api.call("DELETE", f"/users/{user['$id']}")

    def taken(self, field: str, value: str, by: str = "") -> bool:
        return any(p[field] == value for name, p in self.people.items() if name != by and value)

    def expect(self, user_id: str, refused: bool, answer: Any, status: int = 200) -> bool:
        """Whether it was done; a wrong outcome fails the test."""
        wanted = 404 if user_id not in self.people else 409 if refused else status
        assert answer.status == wanted, answer.json
        return bool(answer.status == status)

    @rule(target=users, email=st.one_of(st.none(), EMAILS), phone=st.one_of(st.none(), PHONES),
          name=st.sampled_from(["", "Mira", "Zoë"]))  # fmt: skip
    def create(self, email: str | None, phone: str | None, name: str) -> Any:
        user_id = unique()
        answer = self.api.call("POST", "/users", {"userId": user_id, "email": email,
                                                  "phone": phone, "name": name or None})  # fmt: skip
        lowered, number = (email or "").lower(), phone or ""
        if self.taken("email", lowered) or self.taken("phone", number):
            assert (answer.status, answer.type) == (409, "user_already_exists")
            return multiple()
        assert answer.status == 201, answer.json
        self.people[user_id] = {"email": lowered, "phone": number, "name": name, "labels": [],
                                "status": True, "prefs": {}}  # fmt: skip
        return user_id

    @rule(user=users)
    def create_again(self, user: str) -> None:
        answer = self.api.call("POST", "/users", {"userId": user})
        if user in self.people:
            assert answer.status == 409
        else:  # deletion releases the id
            assert answer.status == 201
            self.people[user] = {"email": "", "phone": "", "name": "", "labels": [],
                                 "status": True, "prefs": {}}  # fmt: skip

    @rule(user=users, email=st.one_of(st.just(""), EMAILS))
    def change_email(self, user: str, email: str) -> None:
        answer = self.api.call("PATCH", f"/users/{user}/email", {"email": email})
        if self.expect(user, self.taken("email", email.lower(), user), answer):
            self.people[user]["email"] = email.lower()

    @rule(user=users, phone=st.one_of(st.just(""), PHONES))
    def change_phone(self, user: str, phone: str) -> None:
        answer = self.api.call("PATCH", f"/users/{user}/phone", {"number": phone})
        if self.expect(user, self.taken("phone", phone, user), answer):
            self.people[user]["phone"] = phone

    @rule(user=users, name=st.text(st.characters(codec="utf-8", exclude_characters="\0"),
                                   max_size=8))  # fmt: skip
    def rename(self, user: str, name: str) -> None:
        answer = self.api.call("PATCH", f"/users/{user}/name", {"name": name})
        if self.expect(user, False, answer):
            self.people[user]["name"] = name

    @rule(user=users, labels=st.lists(st.sampled_from(["a", "b", "C"]), unique=True, max_size=3))
    def label(self, user: str, labels: list[str]) -> None:
        answer = self.api.call("PUT", f"/users/{user}/labels", {"labels": labels})
        if self.expect(user, False, answer):
            self.people[user]["labels"] = labels

    @rule(user=users, prefs=st.dictionaries(st.text("abc", max_size=2), st.integers(-9, 9),
                                            max_size=2))  # fmt: skip
    def prefer(self, user: str, prefs: dict[str, int]) -> None:
        answer = self.api.call("PATCH", f"/users/{user}/prefs", {"prefs": prefs})
        if self.expect(user, False, answer):
            self.people[user]["prefs"] = prefs
            assert answer.json == prefs

    @rule(user=users, status=st.booleans())
    def block(self, user: str, status: bool) -> None:
        answer = self.api.call("PATCH", f"/users/{user}/status", {"status": status})
        if self.expect(user, False, answer):
            self.people[user]["status"] = status

    @rule(target=sessions, user=users)
    def sign_in(self, user: str) -> Any:
        answer = self.api.call("POST", f"/users/{user}/sessions")
        if not self.expect(user, False, answer, 201):
            return multiple()
        self.open[answer.json["$id"]] = (user, answer.json["secret"])
        return answer.json["$id"]

    @rule(session=consumes(sessions))
    def sign_out(self, session: str) -> None:
        user, _ = self.open.get(session, ("", ""))
        if user:
            answer = self.api.call("DELETE", f"/users/{user}/sessions/{session}")
            assert answer.status == 204
            del self.open[session]

    @rule(session=sessions)
    def look(self, session: str) -> None:
        """A session opens the account as long as it and its user live and are not blocked."""
        user, secret = self.open.get(session, ("", "0"))
        answer = self.api.call("GET", "/account", key=False,
                               headers={"X-Appwrite-Session": secret})  # fmt: skip
        if not user:
            assert answer.status == 401
        elif not self.people[user]["status"]:
            assert (answer.status, answer.type) == (401, "user_blocked")
        else:
            assert answer.json["$id"] == user

    @rule(user=consumes(users))
    def delete(self, user: str) -> None:
        answer = self.api.call("DELETE", f"/users/{user}")
        if self.expect(user, False, answer, 204):
            del self.people[user]
            self.open = {s: owner for s, owner in self.open.items() if owner[0] != user}

    @invariant()
    def the_list_is_the_dictionary(self) -> None:
        answer = self.api.call("GET", "/users", query=self.api.queries(
            {"method": "limit", "values": [500]}))  # fmt: skip
        listed = {user["$id"]: user for user in answer.json["users"]}
        assert answer.json["total"] == len(listed) == len(self.people)
        for user_id, person in self.people.items():
            user = listed[user_id]
            assert {field: user[field] for field in person} == person
            reached = sorted(target["identifier"] for target in user["targets"])
            assert reached == sorted(v for v in (person["email"], person["phone"]) if v)
            own = self.api.call("GET", f"/users/{user_id}/targets").json["targets"]
            assert own == user["targets"]
            open_here = {s for s, (owner, _) in self.open.items() if owner == user_id}
            shown = self.api.call("GET", f"/users/{user_id}/sessions").json
            assert {session["$id"] for session in shown["sessions"]} == open_here


def test_any_sequence_of_operations(project_with: Any) -> None:
    Users.api = project_with(sessionLimit=100)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Users,
        settings=settings(max_examples=15, stateful_step_count=25, deadline=None,
                          suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
