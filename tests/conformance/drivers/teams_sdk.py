"""Calls every method of an official Python SDK's `Teams` class, as a server and as people.

Runs with the SDK on PYTHONPATH; prints the methods not called as JSON.
"""

from __future__ import annotations

import json
import os
from typing import Any

from appwrite.id import ID  # type: ignore[import-not-found]
from appwrite.query import Query  # type: ignore[import-not-found]
from appwrite.services.teams import Teams  # type: ignore[import-not-found]
from appwrite.services.users import Users  # type: ignore[import-not-found]
from sdk import (  # type: ignore[import-not-found]
    Recorder,
    account,
    ask,
    client,
    methods,
    refused,
    refused_all,
)

ABSENT = {"list_installations", "create_installation", "get_installation", "update_installation",
          "delete_installation"}  # fmt: skip
"""Methods of newer servers, without an endpoint in 1.7; see docs/compatibility.md."""

PAGE = "http://localhost/join?from=mail"
called: set[str] = set()
server: Any = Recorder(Teams(client(key=os.environ["KEY"])), called)
users: Any = Recorder(Users(client(key=os.environ["KEY"])))


def teams(**setters: str) -> Any:
    """The Teams service of somebody."""
    return Recorder(Teams(client(**setters)), called)


def address(tag: str) -> str:
    return f"{tag}@{os.environ['PROJECT']}.example"


def signed_in(tag: str) -> tuple[str, Any]:
    """A new user and their Teams service."""
    user = users.create(ID.unique(), email=address(tag), name=tag.capitalize())
    return user["$id"], teams(session=users.create_session(user["$id"])["secret"])


def as_a_server() -> None:
    team = server.create(ID.unique(), "Lions", ["ignored"])
    assert (team["name"], team["total"]) == ("Lions", 0)
    refused(409, "team_already_exists", server.create, team["$id"], "Tigers")
    ids = [users.create(ID.unique())["$id"] for _ in range(3)]
    made = [server.create_membership(team["$id"], ["cook"], user_id=user_id) for user_id in ids]
    assert all(one["confirm"] and one["teamName"] == "Lions" for one in made)
    new = server.create_membership(team["$id"], [], email=address("new"), name="New")
    assert users.get(new["userId"])["email"] == address("new")
    page = server.list_memberships(
        team["$id"], [Query.contains("roles", ["cook"]), Query.cursor_after(made[0]["$id"])]
    )
    assert [one["userId"] for one in page["memberships"]] == ids[1:]
    assert page["total"] == 3
    assert server.list_memberships(team["$id"], search=ids[2])["total"] == 1
    assert server.list_memberships(team["$id"], total=False)["total"] == 0
    assert server.get(team["$id"])["total"] == 4
    assert users.list_memberships(ids[0])["memberships"][0]["teamName"] == "Lions"
    users.delete(ids[0])
    assert server.get(team["$id"])["total"] == 3
    server.delete(team["$id"])
    refused(404, "team_not_found", server.get, team["$id"])
    assert users.list_memberships(ids[1])["total"] == 0


def as_people() -> None:
    ada_id, ada = signed_in("ada")
    _, stranger = signed_in("stranger")
    team = ada.create(ID.unique(), "Tigers", ["captain"])["$id"]
    assert ada.update_name(team, "Tigers & Co")["total"] == 1
    assert ada.update_prefs(team, {"colour": "red"})["colour"] == "red"
    assert ada.get_prefs(team)["colour"] == "red"
    own = ada.list_memberships(team)["memberships"][0]
    assert (own["userId"], own["roles"]) == (ada_id, ["captain", "owner"])
    found = ada.list([Query.equal("name", "TIGERS & CO"), Query.equal("total", 1)], search="tiger")
    assert [one["$id"] for one in found["teams"]] == [team]
    assert stranger.list()["total"] == 0
    refused(404, "team_not_found", stranger.get, team)

    invited = ada.create_membership(team, ["cook"], email=address("mira"), url=PAGE, name="Mira")
    assert (invited["confirm"], invited["userName"]) == (False, "Mira")
    path = (team, invited["$id"])
    link = ask("link", address("mira"))
    assert (link["teamId"], link["membershipId"], link["from"]) == (*path, "mail")
    proof = (link["userId"], link["secret"])
    refused(401, "team_invalid_secret", teams().update_membership_status, *path, proof[0], "wrong")
    joined = teams().update_membership_status(*path, *proof)
    assert (joined["confirm"], joined["roles"], joined["userEmail"]) == (
        True, ["cook"], address("mira"),
    )  # fmt: skip
    mira_secret = users.create_session(proof[0])["secret"]
    assert account(session=mira_secret).get()["emailVerification"] is True
    mira = teams(session=mira_secret)
    refused(409, "membership_already_confirmed", mira.update_membership_status, *path, *proof)
    assert mira.get(team)["total"] == 2
    refused(401, "user_unauthorized", mira.update_name, team, "Mine")
    refused(401, "user_unauthorized", mira.update_membership, *path, ["owner"])
    assert ada.update_membership(*path, ["owner"])["roles"] == ["owner"]
    assert mira.update_name(team, "Ours")["name"] == "Ours"
    assert ada.get_membership(*path)["userName"] == ""  # members see nothing of each other yet
    assert server.get_membership(*path)["userName"] == "Mira"
    jwt = teams(jwt=users.create_jwt(proof[0])["jwt"])
    assert jwt.get(team)["name"] == "Ours"
    mira.delete_membership(*path)
    refused(404, "team_not_found", jwt.get, team)
    assert ada.get(team)["total"] == 1
    ada.delete(team)


def main() -> None:
    here = methods(Teams)
    as_a_server()
    as_people()
    refused_all(server, ABSENT & here)
    print(json.dumps({"notCalled": sorted(here - called)}))


if __name__ == "__main__":
    main()
