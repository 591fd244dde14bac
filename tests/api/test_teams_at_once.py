"""Teams when everything happens at once: totals are right, and nobody waits for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.api.test_concurrency import at_once
from tests.api.test_memberships import PAGE, address
from tests.api.test_teams import own_team, person
from tests.conftest import Api, Mailbox, unique

EXPECTED = {200, 201, 204, 401, 404, 409}
"""Whatever happens, nothing fails: a deadlock would be a 503."""

Call = tuple[str, str, Any]


def make_users(api: Api, count: int) -> list[str]:
    names = [unique() for _ in range(count)]
    answers = at_once(api, [("POST", "/users", {"userId": name}) for name in names])
    assert {answer.status_code for answer in answers} == {201}
    return names


def make_team(api: Api) -> str:
    name = unique("t")
    assert api.call("POST", "/teams", {"teamId": name, "name": name}).status == 201
    return name


def join(team: str, user: str) -> Call:
    return "POST", f"/teams/{team}/memberships", {"userId": user, "roles": []}


def members(api: Api, team: str) -> dict[str, str]:
    """Who has joined: user id -> membership id. The team's total says the same number."""
    query = api.queries({"method": "limit", "values": [1000]})
    listed = api.call("GET", f"/teams/{team}/memberships", query=query).json
    joined = {m["userId"]: m["$id"] for m in listed["memberships"] if m["confirm"]}
    assert listed["total"] == len(listed["memberships"])
    assert api.call("GET", f"/teams/{team}").json["total"] == len(joined)
    return joined


def mixed(*lists: list[Call]) -> list[Call]:
    """One of each in turn, so that different things happen at the same time."""
    longest = max(len(calls) for calls in lists)
    return [calls[at] for at in range(longest) for calls in lists if at < len(calls)]


def test_two_hundred_joins_and_leaves(api: Api) -> None:
    team = make_team(api)
    old, new = make_users(api, 100), make_users(api, 100)
    assert {a.status_code for a in at_once(api, [join(team, user) for user in old])} == {201}
    ids = members(api, team)
    assert set(ids) == set(old)
    leaves: list[Call] = [("DELETE", f"/teams/{team}/memberships/{ids[u]}", None) for u in old]
    answers = at_once(api, mixed(leaves, [join(team, user) for user in new]))
    assert Counter(a.status_code for a in answers) == {201: 100, 204: 100}
    assert set(members(api, team)) == set(new)


def test_joining_and_leaving_twice_counts_once(api: Api) -> None:
    team, (user,) = make_team(api), make_users(api, 1)
    answers = at_once(api, [join(team, user)] * 20)
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 19}
    leave: Call = ("DELETE", f"/teams/{team}/memberships/{members(api, team)[user]}", None)
    answers = at_once(api, [leave] * 20)
    assert Counter(a.status_code for a in answers) == {204: 1, 404: 19}
    assert members(api, team) == {}


def test_users_vanish_while_they_join_and_leave_many_teams(api: Api) -> None:
    teams = [make_team(api) for _ in range(4)]
    users = make_users(api, 40)
    first = [join(team, user) for user in users[:20] for team in teams[:2]]
    assert {a.status_code for a in at_once(api, first)} == {201}
    ids = {team: members(api, team) for team in teams}
    joins = [join(team, user) for user in users[10:] for team in (*teams[2:], teams[0])]
    leaves: list[Call] = [
        ("DELETE", f"/teams/{team}/memberships/{ids[team][user]}", None)
        for team in teams[:2] for user in users[5:15]
    ]  # fmt: skip
    roles: list[Call] = [
        ("PATCH", f"/teams/{team}/memberships/{ids[team][user]}", {"roles": ["cook"]})
        for team in teams[:2] for user in users[:20]
    ]  # fmt: skip
    gone = users[::2]
    deletions: list[Call] = [("DELETE", f"/users/{user}", None) for user in gone]
    answers = at_once(api, mixed(joins, deletions, leaves, roles))
    assert {a.status_code for a in answers} <= EXPECTED
    for team in teams:
        assert not set(gone) & set(members(api, team))
    for user in set(users) - set(gone):
        listed = api.call("GET", f"/users/{user}/memberships").json
        assert listed["total"] == len(listed["memberships"])


def test_a_team_vanishes_while_its_members_do(api: Api) -> None:
    for _ in range(3):
        team, other = make_team(api), make_team(api)
        users = make_users(api, 30)
        assert {a.status_code for a in at_once(api, [join(team, u) for u in users[:20]])} == {201}
        at_once(api, [join(other, u) for u in users[:20]])
        ids = members(api, team)
        calls = mixed(
            [join(team, user) for user in users[20:]],
            [("DELETE", f"/users/{user}", None) for user in users[:10]],
            [("DELETE", f"/teams/{team}/memberships/{ids[user]}", None) for user in users[5:15]],
            [("PUT", f"/teams/{team}", {"name": "New"})] * 5,
        )
        calls.insert(len(calls) // 2, ("DELETE", f"/teams/{team}", None))
        answers = at_once(api, calls)
        assert {a.status_code for a in answers} <= EXPECTED
        assert api.call("GET", f"/teams/{team}").status == 404
        assert set(members(api, other)) == set(users[10:20])
        assert api.call("POST", "/teams", {"teamId": team, "name": "Anew"}).status == 201
        assert members(api, team) == {}


def test_invitations_are_accepted_at_once_and_once(api: Api, mailbox: Mailbox) -> None:
    _, owner = person(api, email=address())
    team = own_team(owner)
    emails = [address() for _ in range(15)]
    for email in emails:
        body = {"roles": [], "email": email, "url": PAGE}
        assert owner.call("POST", f"/teams/{team}/memberships", body).status == 201
    calls: list[Call] = []
    for email in emails:
        link = mailbox.link(email)
        path = f"/teams/{team}/memberships/{link['membershipId']}/status"
        calls += [("PATCH", path, {"userId": link["userId"], "secret": link["secret"]})] * 3
    answers = at_once(api, calls, key=False)
    assert Counter(a.status_code for a in answers) == {200: 15, 409: 30}
    assert len(members(api, team)) == 16


def test_a_limited_project_invites_and_signs_up_at_once(project_with: Callable[..., Api]) -> None:
    api = project_with(userLimit=1000)
    _, owner = person(api, email=address())
    team = own_team(owner)
    known, unknown = [address() for _ in range(15)], [address() for _ in range(15)]
    for email in known:
        api.user(email=email)
    path = f"/teams/{team}/memberships"

    def invitation(email: str) -> Call:
        return "POST", path, {"roles": [], "email": email, "url": PAGE}

    own = {"X-Appwrite-Session": owner.secret}
    calls = mixed([invitation(e) for e in unknown], [invitation(e) for e in known],
                  [invitation(e) for e in unknown])  # fmt: skip
    answers = at_once(api, calls, key=False, headers=own)
    assert {a.status_code for a in answers} == {201}
    listed = api.call("GET", path, query=api.queries({"method": "limit", "values": [100]})).json
    assert (listed["total"], len({m["userId"] for m in listed["memberships"]})) == (31, 31)
    assert set(members(api, team)) == {listed["memberships"][0]["userId"]}
