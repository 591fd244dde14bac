"""Writers that know what they were told: what was answered, and what may or may not be there."""

from __future__ import annotations

import copy
import random
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conftest import Server, unique

User = dict[str, Any]


@dataclass
class Writer:
    """Changes users of its own, one request after the other, and keeps what they must look like."""

    server: Server
    key: str
    seed: int
    users: dict[str, User] = field(default_factory=dict)
    doubt: tuple[str, User | None] | None = None
    """The user of a request that got no answer, and what it looks like if it was done."""
    answered: int = 0
    refused: list[httpx.Response] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write until stopped, or until the server does not answer."""
        choose = random.Random(self.seed)
        headers = {"X-Appwrite-Project": "default", "X-Appwrite-Key": self.key}
        with httpx.Client(timeout=30, headers=headers, base_url=self.server.endpoint) as http:
            while not self.stop.is_set():
                name, after, method, path, body = self.next(choose)
                self.doubt = name, after
                try:
                    answer = http.request(method, path, json=body)
                except httpx.TransportError:
                    return
                if answer.status_code >= 500:
                    self.refused.append(answer)
                    if "not known" in answer.json()["message"]:
                        return  # like no answer at all
                    self.doubt = None
                    time.sleep(0.02)
                    continue
                assert answer.status_code < 300, answer.text
                self.settle(name, after, answer)

    def settle(self, name: str, after: User | None, answer: httpx.Response) -> None:
        """The request was answered: from now on it must be true."""
        self.doubt = None
        self.answered += 1
        if after is None:
            del self.users[name]
        else:
            self.users[name] = after
            if "last" in after:
                after["target"] = answer.json()["$id"] if after.pop("last") else ""

    def next(self, choose: random.Random) -> tuple[str, User | None, str, str, Any]:
        """(user, what it looks like afterwards, method, path, body) of some request."""
        if len(self.users) < 3 or choose.random() < 0.06:
            name = unique("t")
            address, phone = f"{name}@example.org", f"+49151{secrets.randbelow(10**9):09}"
            after: User = {"name": "Mira", "email": address, "labels": [], "prefs": {},
                           "targets": [address, phone], "sessions": 0, "logs": 1}  # fmt: skip
            return (
                name,
                after,
                "POST",
                "/users",
                {"userId": name, "email": address, "phone": phone, "name": "Mira"},
            )
        name = choose.choice(list(self.users))
        user, mark = copy.deepcopy(self.users[name]), unique("x")
        user["logs"] += 1
        kind = choose.choice(["email", "name", "labels", "prefs", "target", "session", "delete"])
        if kind == "email":
            old, user["email"] = user["email"], f"{mark}@example.org"
            user["targets"] = [user["email"] if t == old else t for t in user["targets"]]
            return name, user, "PATCH", f"/users/{name}/email", {"email": user["email"]}
        if kind == "name":
            user["name"] = f"Mira {mark}"
            return name, user, "PATCH", f"/users/{name}/name", {"name": user["name"]}
        if kind == "labels":
            user["labels"] = [mark, "vip"]
            return name, user, "PUT", f"/users/{name}/labels", {"labels": user["labels"]}
        if kind == "prefs":
            user["prefs"] = {"theme": mark}
            user["logs"] -= 1  # preferences are in no log
            return name, user, "PATCH", f"/users/{name}/prefs", {"prefs": user["prefs"]}
        if kind == "session":
            user["sessions"] = min(user["sessions"] + 1, 10)
            return name, user, "POST", f"/users/{name}/sessions", {}
        if kind == "target":
            return self.target(name, user, mark)
        return name, None, "DELETE", f"/users/{name}", None

    def target(self, name: str, user: User, mark: str) -> tuple[str, User, str, str, Any]:
        """Give the user a device, or take it away again."""
        if user.get("target"):
            user["targets"] = [t for t in user["targets"] if not t.startswith("push")]
            return (
                name,
                user | {"last": False},
                "DELETE",
                f"/users/{name}/targets/{user['target']}",
                None,
            )
        user["targets"] = [*user["targets"], f"push{mark}"]
        body = {"targetId": "unique()", "providerType": "push", "identifier": f"push{mark}"}
        return name, user | {"last": True}, "POST", f"/users/{name}/targets", body

    def check(self, http: httpx.Client, logs: dict[str, int]) -> None:
        """Everything answered is there; what was not is wholly there or wholly not."""
        for name, expected in list(self.users.items()):
            seen = look(http, name, logs)
            after = self.doubt[1] if self.doubt and self.doubt[0] == name else expected
            assert seen in (told(expected), told(after)), (name, seen, expected, after)
            if seen != told(expected):
                self.users[name] = after or {}
            if seen is None:
                del self.users[name]
        if self.doubt and self.doubt[0] not in self.users:
            assert look(http, self.doubt[0], logs) in (None, told(self.doubt[1])), self.doubt
        self.doubt = None
        for name, user in list(self.users.items()):
            lost = user.pop("last", None)
            if not devices(user):
                user["target"] = ""
            elif lost or not user.get("target"):
                del self.users[name]  # a device that was made without an answer has no known id


def devices(user: User) -> list[str]:
    """The user's push targets."""
    return [t for t in user["targets"] if t.startswith("push")]


def told(user: User | None) -> User | None:
    """What can be seen of what a writer knows."""
    return None if user is None else {k: v for k, v in user.items() if k not in ("target", "last")}


def look(http: httpx.Client, name: str, logs: dict[str, int]) -> User | None:
    """The user as the API shows it, found by id and by search."""
    answer = http.get(f"/users/{name}")
    if answer.status_code == 404:
        return None
    user = answer.json()
    found = http.get("/users", params={"search": user["email"]}).json()
    assert [u["$id"] for u in found["users"]] == [name], found
    return {
        "name": user["name"], "email": user["email"], "labels": user["labels"],
        "prefs": user["prefs"], "targets": [t["identifier"] for t in user["targets"]],
        "sessions": http.get(f"/users/{name}/sessions").json()["total"], "logs": logs.get(name, 0),
    }  # fmt: skip


class Load:
    """Several writers at once."""

    def __init__(self, server: Server, writers: int = 8) -> None:
        self.server = server
        self.writers = [Writer(server, server.key, seed) for seed in range(writers)]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, or go on after the server came back."""
        for writer in self.writers:
            writer.stop.clear()
        self._threads = [threading.Thread(target=writer.run) for writer in self.writers]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """End, and wait for what is on its way."""
        for writer in self.writers:
            writer.stop.set()
        for thread in self._threads:
            thread.join()

    def until(self, answered: int) -> None:
        """Wait until so many writes were answered."""
        deadline = time.monotonic() + 60
        while self.answered < answered:
            assert time.monotonic() < deadline, f"only {self.answered} writes were answered"
            time.sleep(0.01)

    @property
    def answered(self) -> int:
        """Writes that were answered so far."""
        return sum(writer.answered for writer in self.writers)

    @property
    def refused(self) -> list[httpx.Response]:
        """Answers that said no."""
        return [answer for writer in self.writers for answer in writer.refused]

    def check(self, logs: dict[str, int]) -> None:
        """Compare everything with what the server shows; `logs` counts entries by user."""
        headers = {"X-Appwrite-Project": "default", "X-Appwrite-Key": self.server.key}
        with httpx.Client(timeout=30, headers=headers, base_url=self.server.endpoint) as http:
            for writer in self.writers:
                writer.check(http, logs)
