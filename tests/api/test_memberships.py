"""Memberships: invitations, joining, roles, leaving, and who sees what of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.api.test_teams import add, own_team, person, total
from tests.conftest import Api, Mailbox, Person, Phones, unique
from usherd import clock, db

PAGE = "http://localhost/join?a=1"


def address() -> str:
    return f"{unique('m')}@example.org"


def number() -> str:
    return f"+4915{int(unique('')[:8], 16):010d}"[:14]


def invite(owner: Person, team: str, *roles: str, **who: str) -> dict[str, Any]:
    made = owner.call(
        "POST", f"/teams/{team}/memberships", {"roles": list(roles), "url": PAGE, **who}
    )
    assert made.status == 201, made.json
    return dict(made.json)


def accept(api: Api, link: dict[str, str], who: Person | None = None, **more: Any) -> Any:
    """Follow the link of an invitation, as a guest or as somebody signed in."""
    path = f"/teams/{more.pop('team', link['teamId'])}/memberships/{link['membershipId']}/status"
    body = {"userId": link["userId"], "secret": link["secret"]} | more
    return who.call("PATCH", path, body) if who else api.call("PATCH", path, body, key=False)


def change(api: Api, sql: str, **params: Any) -> None:
    """Change the database behind the server's back, as time would."""

    async def work() -> None:
        database = await db.open(api.server.database)
        async with database.write() as tx:
            assert await tx.run(sql, **params) == 1
        await database.close()

    asyncio.run(work())


@pytest.fixture
def crew(api: Api) -> tuple[str, Person]:
    """(a team, its owner)."""
    _, owner = person(api, name="Ada", email=address())
    return own_team(owner, "Crew & Co"), owner


# -- invitations --


def test_a_stranger_is_invited_by_mail_and_joins(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email = address()
    made = invite(owner, team, "cook", email=email.upper(), name="Mira")
    assert (made["userName"], made["userEmail"], made["teamName"]) == ("Mira", email, "Crew & Co")
    assert (made["confirm"], made["joined"], made["roles"]) == (False, "", ["cook"])
    assert total(api, team) == 1
    user = api.call("GET", f"/users/{made['userId']}").json
    assert (user["email"], user["name"], user["emailVerification"]) == (email, "Mira", False)
    assert (user["password"], user["passwordUpdate"]) == (None, "")
    assert [t["identifier"] for t in user["targets"]] == [email]
    text = mailbox.text(email)
    assert "Mira" in text
    assert "Ada invites you to the team Crew & Co" in text
    link = mailbox.link(email)
    assert link["url"].startswith(PAGE + "&")
    assert {name: link[name] for name in ("membershipId", "userId", "teamId", "teamName")} == {
        "membershipId": made["$id"], "userId": user["$id"], "teamId": team, "teamName": "Crew & Co",
    }  # fmt: skip
    assert len(link["secret"]) == 256
    done = accept(api, link)
    assert done.status == 200
    assert (done.json["confirm"], done.json["roles"]) == (True, ["cook"])
    assert (done.json["userName"], done.json["userEmail"]) == ("Mira", email)
    assert done.json["joined"]
    mira = api.person(done)
    assert "a_session_default=" in done.headers["set-cookie"]
    session = mira.call("GET", "/account/sessions/current").json
    assert (session["provider"], session["providerUid"]) == ("email", email)
    assert session["factors"] == ["email"]
    account = mira.call("GET", "/account").json
    assert (account["emailVerification"], account["$id"]) == (True, user["$id"])
    assert mira.call("GET", f"/teams/{team}").json["total"] == 2
    again = accept(api, link)
    assert (again.status, again.type) == (409, "membership_already_confirmed")
    assert total(api, team) == 2
    logs = mira.call("GET", "/account/logs").json["logs"]
    assert [log["event"] for log in logs] == ["membership.update"]


def test_who_has_only_a_phone_is_invited_by_text_message(
    api: Api, crew: tuple[str, Person], phones: Phones
) -> None:
    team, owner = crew
    phone = number()
    made = invite(owner, team, phone=phone)
    text = phones.wait(phone)
    assert "Ada" in text
    link = dict(parse_qsl(urlsplit(text[text.index("http") :]).query))
    assert (link["membershipId"], link["userId"]) == (made["$id"], made["userId"])
    mira = api.person(accept(api, link))
    account = mira.call("GET", "/account").json
    assert (account["phone"], account["phoneVerification"]) == (phone, True)
    assert (account["email"], account["emailVerification"]) == ("", False)
    assert [t["providerType"] for t in account["targets"]] == ["sms"]
    session = mira.call("GET", "/account/sessions/current").json
    assert (session["provider"], session["factors"]) == ("phone", ["phone"])


def test_a_known_user_is_invited_by_id_email_or_phone(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email, phone = address(), number()
    user_id, mira = person(api, email=email, phone=phone, name="Mira")
    first = invite(owner, team, "a", userId=user_id)
    assert (first["userName"], first["userEmail"]) == ("", "")  # not the inviter's to know
    links = [mailbox.link(email, 1)]
    for who in ({"email": email}, {"phone": phone}, {"email": email, "phone": phone}):
        again = invite(owner, team, "b", **who)
        assert (again["$id"], again["userId"], again["roles"]) == (first["$id"], user_id, ["b"])
        assert again["userName"] == again["userEmail"] == who.get("email", "")  # as they were told
        links.append(mailbox.link(email, len(links) + 1))
    old, new = links[-2:]
    assert accept(api, old, mira).type == "team_invalid_secret"
    done = accept(api, new, mira)
    assert done.status == 200
    assert "set-cookie" not in done.headers
    assert api.call("GET", f"/users/{user_id}/sessions").json["total"] == 1
    assert mira.call("GET", "/account").json["emailVerification"] is True
    assert mira.call("GET", "/account").json["phoneVerification"] is False


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"email": "a@b.example"}, 400, "general_argument_invalid"),
    ({"roles": []}, 400, "general_argument_invalid"),
    ({"roles": [], "url": PAGE}, 400, "general_argument_invalid"),
    ({"roles": [], "email": "a@b.example"}, 400, "general_argument_invalid"),
    ({"roles": [], "email": "a@b.example", "url": "http://evil.example/"}, 400,
     "general_argument_invalid"),
    ({"roles": [], "email": "nobody", "url": PAGE}, 400, "general_argument_invalid"),
    ({"roles": [], "phone": "12", "url": PAGE}, 400, "general_argument_invalid"),
    ({"roles": "x", "email": "a@b.example", "url": PAGE}, 400, "general_argument_invalid"),
    ({"roles": ["ö"], "email": "a@b.example", "url": PAGE}, 400, "general_argument_invalid"),
    ({"roles": [], "userId": "nobody", "url": PAGE}, 404, "user_not_found"),
    ({"roles": [], "userId": "{nameless}", "url": PAGE}, 400, "general_argument_invalid"),
    ({"roles": [], "userId": "{user}", "email": "x@example.org", "url": PAGE}, 409,
     "user_already_exists"),
    ({"roles": [], "email": "{email}", "phone": "+4915112345670", "url": PAGE}, 409,
     "user_already_exists"),
    ({"roles": [], "email": "{identity}", "url": PAGE}, 409, "user_email_already_exists"),
    ({"roles": [], "userId": "{owner}", "url": PAGE}, 409, "membership_already_confirmed"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "type_"), REFUSED)
def test_invitations_that_are_refused(
    api: Api, body: dict[str, Any], status: int, type_: str, mailbox: Mailbox
) -> None:
    owner_id, owner = person(api, email=address())
    team = own_team(owner)
    email, at_provider = address(), address()
    user_id = api.user(email=email)["$id"]
    api.server.insert(
        "identities", api.project, id=unique("i"), user_id=user_id, provider="github",
        provider_uid=unique(), provider_uid_key="7", provider_email=at_provider, created_at=1,
        updated_at=1,
    )  # fmt: skip
    known = {"{user}": user_id, "{email}": email, "{nameless}": api.user()["$id"],
             "{owner}": owner_id, "{identity}": at_provider}  # fmt: skip
    body = {k: known.get(v, v) if isinstance(v, str) else v for k, v in body.items()}
    answer = owner.call("POST", f"/teams/{team}/memberships", body)
    assert (answer.status, answer.type) == (status, type_), answer.json
    assert total(api, team) == 1
    assert api.call("GET", f"/teams/{team}/memberships").json["total"] == 1
    assert email not in mailbox.mails


@pytest.mark.parametrize(("settings", "body", "type_"), [
    ({"invites": "false"}, {"roles": []}, "user_auth_method_unsupported"),
    ({"userLimit": 1}, {"roles": [], "email": "new@a.example", "url": PAGE}, "user_count_exceeded"),
    ({"emailDenyDomains": "a.example"}, {"roles": [], "email": "new@a.example", "url": PAGE},
     "email_domain_denied"),
])  # fmt: skip
def test_what_a_project_can_forbid_people_and_not_keys(
    project_with: Callable[..., Api], settings: dict[str, Any], body: dict[str, Any], type_: str
) -> None:
    api = project_with(**settings)
    _, owner = person(api)
    team = own_team(owner)
    assert owner.call("POST", f"/teams/{team}/memberships", body).type == type_
    done = api.call("POST", f"/teams/{team}/memberships", {"roles": [], "email": "new@a.example"})
    assert done.status == 201


def test_ten_invitations_an_hour(project_with: Callable[..., Api]) -> None:
    api = project_with(rateLimits="true")
    _, owner = person(api)
    team = own_team(owner)
    body = {"roles": [], "url": PAGE}
    for left in range(9, -1, -1):
        answer = owner.call("POST", f"/teams/{team}/memberships", body | {"email": address()})
        assert (answer.status, answer.headers["x-ratelimit-remaining"]) == (201, str(left))
    answer = owner.call("POST", f"/teams/{own_team(owner)}/memberships", body)
    assert (answer.status, answer.type) == (429, "general_rate_limit_exceeded")
    for _ in range(2):
        body = {"roles": [], "email": address()}
        assert api.call("POST", f"/teams/{team}/memberships", body).status == 201


@pytest.mark.parametrize(("changes", "status", "type_"), [
    ({"secret": "0" * 256}, 401, "team_invalid_secret"),
    ({"secret": "x"}, 401, "team_invalid_secret"),
    ({"secret": ""}, 400, "general_argument_invalid"),
    ({"secret": "x" * 257}, 400, "general_argument_invalid"),
    ({"userId": "somebody"}, 401, "team_invite_mismatch"),
    ({"userId": "so me"}, 400, "general_argument_invalid"),
    ({"team": "nothing"}, 404, "team_not_found"),
    ({"team": "{other}"}, 404, "team_membership_mismatch"),
])  # fmt: skip
def test_acceptances_that_are_refused(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox, changes: dict[str, str], status: int,
    type_: str,
) -> None:  # fmt: skip
    team, owner = crew
    other = own_team(owner)
    email = address()
    made = invite(owner, team, email=email)
    link = mailbox.link(email)
    changes = {key: value.replace("{other}", other) for key, value in changes.items()}
    answer = accept(api, link, **changes)
    assert (answer.status, answer.type) == (status, type_)
    assert "set-cookie" not in answer.headers
    assert (total(api, team), total(api, other)) == (1, 1)
    assert api.call("GET", f"/users/{made['userId']}").json["emailVerification"] is False
    assert accept(api, link | {"membershipId": "nobody"}).type == "membership_not_found"
    assert accept(api, link, owner).type == "team_invite_mismatch"  # somebody else is signed in
    body = {"userId": link["userId"], "secret": link["secret"]}
    by_key = api.call("PATCH", f"/teams/{team}/memberships/{made['$id']}/status", body)
    assert by_key.type == "general_unauthorized_scope"
    assert accept(api, link).status == 200


def test_an_invitation_expires_and_can_be_renewed(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email = address()
    made = invite(owner, team, email=email)
    change(api, "update memberships set expire_at = :now where id = :id",
           now=clock.now(), id=made["$id"])  # fmt: skip
    answer = accept(api, mailbox.link(email))
    assert (answer.status, answer.type) == (401, "team_invalid_secret")
    assert "expired" in answer.json["message"]
    invite(owner, team, email=email)
    assert accept(api, mailbox.link(email, 2)).status == 200


def test_an_invitation_taken_back_opens_nothing(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email = address()
    made = invite(owner, team, email=email)
    assert owner.call("DELETE", f"/teams/{team}/memberships/{made['$id']}").status == 204
    assert accept(api, mailbox.link(email)).type == "membership_not_found"
    assert total(api, team) == 1


def test_a_blocked_user_is_not_let_in(api: Api, crew: tuple[str, Person], mailbox: Mailbox) -> None:
    team, owner = crew
    email = address()
    made = invite(owner, team, email=email)
    api.call("PATCH", f"/users/{made['userId']}/status", {"status": False})
    answer = accept(api, mailbox.link(email))
    assert (answer.status, answer.type) == (401, "user_blocked")
    assert total(api, team) == 1


def test_a_link_at_an_old_address_signs_nobody_in(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email = address()
    user_id, mira = person(api, email=email)
    invite(owner, team, userId=user_id)
    api.call("PATCH", f"/users/{user_id}/email", {"email": address()})
    assert accept(api, mailbox.link(email)).type == "team_invalid_secret"
    assert accept(api, mailbox.link(email), mira).status == 200
    assert mira.call("GET", "/account").json["emailVerification"] is False


def test_the_secret_is_kept_as_a_digest_and_forgotten_after_use(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email = address()
    made = invite(owner, team, email=email)
    secret = mailbox.link(email)["secret"]

    async def look() -> dict[str, Any]:
        database = await db.open(api.server.database)
        row = await database.reader.one("select * from memberships where id = :id", id=made["$id"])
        await database.close()
        return row or {}

    waiting = asyncio.run(look())
    assert secret not in str(waiting)
    assert len(waiting["digest"]) == 64
    accept(api, mailbox.link(email))
    assert asyncio.run(look())["digest"] is None


# -- by API key --


def test_a_key_makes_members_at_once(api: Api, mailbox: Mailbox) -> None:
    team = unique("t")
    api.call("POST", "/teams", {"teamId": team, "name": "Crew"})
    email, phone = address(), number()
    body = {"roles": ["a", "b", "a"], "email": email, "phone": phone, "name": "Mira"}
    made = api.call("POST", f"/teams/{team}/memberships", body).json
    assert (made["userName"], made["userEmail"], made["userPhone"]) == ("Mira", email, phone)
    assert (made["confirm"], made["roles"], made["joined"]) == (True, ["a", "b"], made["invited"])
    assert total(api, team) == 1
    again = api.call("POST", f"/teams/{team}/memberships", body)
    assert (again.status, again.type) == (409, "membership_already_confirmed")
    assert email not in mailbox.mails
    missing = api.call("POST", "/teams/nothing/memberships", body)
    assert (missing.status, missing.type) == (404, "team_not_found")


def test_a_key_confirms_who_was_invited(
    api: Api, crew: tuple[str, Person], mailbox: Mailbox
) -> None:
    team, owner = crew
    email = address()
    made = invite(owner, team, "guest", email=email)
    body = {"roles": ["cook"], "userId": made["userId"]}
    done = api.call("POST", f"/teams/{team}/memberships", body).json
    assert (done["$id"], done["confirm"], done["roles"]) == (made["$id"], True, ["cook"])
    assert total(api, team) == 2
    assert accept(api, mailbox.link(email)).type == "membership_already_confirmed"
    assert total(api, team) == 2


# -- roles and leaving --


def test_roles_are_changed_by_owners_only(api: Api, crew: tuple[str, Person]) -> None:
    team, owner = crew
    user_id, mira = person(api)
    member = add(api, team, user_id, "cook")
    path = f"/teams/{team}/memberships/{member}"
    assert mira.call("PATCH", path, {"roles": ["owner"]}).type == "user_unauthorized"
    assert owner.call("PATCH", path, {"roles": ["owner", "cook"]}).json["roles"] == [
        "owner",
        "cook",
    ]
    assert mira.call("PUT", f"/teams/{team}", {"name": "Ours"}).status == 200
    assert mira.call("PATCH", path, {"roles": []}).json["roles"] == []
    assert mira.call("PUT", f"/teams/{team}", {"name": "Mine"}).type == "user_unauthorized"
    assert api.call("PATCH", path, {"roles": ["owner"]}).json["roles"] == ["owner"]
    assert owner.call("PATCH", path, {}).status == 400
    unknown = owner.call("PATCH", f"/teams/{team}/memberships/nobody", {"roles": []})
    assert (unknown.status, unknown.type) == (404, "membership_not_found")


def test_a_membership_of_another_team_is_a_mismatch_for_everybody(
    api: Api, crew: tuple[str, Person]
) -> None:
    team, owner = crew
    user_id, mira = person(api)
    member = add(api, team, user_id)
    hers = own_team(mira)
    path = f"/teams/{hers}/memberships/{member}"
    for caller in (mira, api):
        for method, body in (("GET", None), ("PATCH", {"roles": ["owner"]}), ("DELETE", None)):
            answer = caller.call(method, path, body)
            assert (answer.status, answer.type) == (404, "team_membership_mismatch")
    for method, body in (("GET", None), ("PATCH", {"roles": ["owner"]}), ("DELETE", None)):
        assert owner.call(method, path, body).type == "team_not_found"
    assert api.call("GET", f"/teams/{team}/memberships/{member}").json["roles"] == []
    assert (total(api, team), total(api, hers)) == (2, 1)


def test_leaving_and_being_taken_out(api: Api, crew: tuple[str, Person]) -> None:
    team, owner = crew
    people = [person(api) for _ in range(3)]
    paths = [f"/teams/{team}/memberships/{add(api, team, user_id)}" for user_id, _ in people]
    assert total(api, team) == 4
    assert people[0][1].call("DELETE", paths[1]).type == "user_unauthorized"
    assert people[0][1].call("DELETE", paths[0]).status == 204
    assert people[0][1].call("GET", f"/teams/{team}").type == "team_not_found"
    again = people[0][1].call("DELETE", paths[0])
    assert (again.status, again.type) == (404, "team_invite_not_found")
    assert owner.call("DELETE", paths[1]).status == 204
    assert api.call("DELETE", paths[2]).status == 204
    assert total(api, team) == 1


def test_an_invited_user_can_decline_but_sees_nothing(api: Api, crew: tuple[str, Person]) -> None:
    team, owner = crew
    user_id, mira = person(api, email=address())
    member = invite(owner, team, "owner", userId=user_id)["$id"]
    for method, path, body in [
        ("GET", f"/teams/{team}", None), ("PUT", f"/teams/{team}", {"name": "x"}),
        ("GET", f"/teams/{team}/memberships/{member}", None),
        ("PATCH", f"/teams/{team}/memberships/{member}", {"roles": []}),
    ]:  # fmt: skip
        assert mira.call(method, path, body).type == "team_not_found"
    assert mira.call("GET", "/teams").json["total"] == 0
    assert mira.call("DELETE", f"/teams/{team}/memberships/{member}").status == 204
    assert total(api, team) == 1


def test_the_last_owner_may_leave_and_a_key_makes_another(
    api: Api, crew: tuple[str, Person]
) -> None:
    team, owner = crew
    user_id, mira = person(api)
    hers = add(api, team, user_id)
    own = next(m for m in api.call("GET", f"/teams/{team}/memberships").json["memberships"]
               if m["roles"] == ["owner"])  # fmt: skip
    assert owner.call("DELETE", f"/teams/{team}/memberships/{own['$id']}").status == 204
    assert mira.call("PUT", f"/teams/{team}", {"name": "x"}).type == "user_unauthorized"
    assert total(api, team) == 1
    api.call("PATCH", f"/teams/{team}/memberships/{hers}", {"roles": ["owner"]})
    assert mira.call("PUT", f"/teams/{team}", {"name": "x"}).status == 200


def test_totals_follow_deleted_users(api: Api, crew: tuple[str, Person]) -> None:
    team, owner = crew
    member, waiting = api.user(), api.user(email=address())
    add(api, team, member["$id"])
    invite(owner, team, userId=waiting["$id"])
    assert total(api, team) == 2
    assert api.call("DELETE", f"/users/{waiting['$id']}").status == 204
    assert total(api, team) == 2
    assert api.call("DELETE", f"/users/{member['$id']}").status == 204
    assert total(api, team) == 1
    assert api.call("GET", f"/teams/{team}/memberships").json["total"] == 1


# -- who sees what --

SHOWN = {"membershipsUserName": "userName", "membershipsUserEmail": "userEmail",
         "membershipsUserPhone": "userPhone", "membershipsUserAccessedAt": "userAccessedAt",
         "membershipsMfa": "mfa"}  # fmt: skip


@pytest.mark.parametrize("setting", [None, *SHOWN])
def test_what_members_see_of_each_other(
    project_with: Callable[..., Api], setting: str | None
) -> None:
    api = project_with(**({setting: "true"} if setting else {}))
    user_id, mira = person(api, name="Mira", email="mira@x.example", phone="+4915112345678")
    mira.call("GET", "/account")
    api.call("PATCH", f"/users/{user_id}/verification", {"emailVerification": True})
    team = own_team(mira)
    other_id, other = person(api)
    add(api, team, other_id)
    api.call("PATCH", f"/users/{user_id}/mfa", {"mfa": True})
    listed = api.call("GET", f"/teams/{team}/memberships").json["memberships"]
    full = listed[0]
    assert (full["userName"], full["userEmail"]) == ("Mira", "mira@x.example")
    assert (full["userPhone"], full["mfa"]) == ("+4915112345678", True)
    assert full["userAccessedAt"]
    seen = other.call("GET", f"/teams/{team}/memberships").json["memberships"][0]
    one = other.call("GET", f"/teams/{team}/memberships/{full['$id']}").json
    assert seen == one
    for name, field in SHOWN.items():
        nothing = False if field == "mfa" else ""
        assert seen[field] == (full[field] if name == setting else nothing), field
    assert {k: v for k, v in seen.items() if k not in SHOWN.values()} == {
        k: v for k, v in full.items() if k not in SHOWN.values()
    }


def test_mfa_is_true_only_with_a_factor_to_ask_for(api: Api) -> None:
    people = {
        "flag only": api.user(), "e-mail": api.user(email=address()), "app": api.user(),
        "no flag": api.user(email=address()), "unverified app": api.user(),
    }  # fmt: skip
    team = unique("t")
    api.call("POST", "/teams", {"teamId": team, "name": "x"})
    for kind, user in people.items():
        path = f"/users/{user['$id']}"
        add(api, team, user["$id"])
        api.call("PATCH", f"{path}/verification", {"emailVerification": bool(user["email"])})
        api.call("PATCH", f"{path}/mfa", {"mfa": kind != "no flag"})
        if "app" in kind:
            api.server.insert(
                "authenticators", api.project, id=unique("a"), user_id=user["$id"], type="totp",
                secret="sealed", verified=int(kind == "app"), created_at=1, updated_at=1,
            )  # fmt: skip
    listed = api.call("GET", f"/teams/{team}/memberships").json["memberships"]
    found = dict(zip(people, (member["mfa"] for member in listed), strict=True))
    assert found == {"flag only": False, "e-mail": True, "app": True, "no flag": False,
                     "unverified app": False}  # fmt: skip
    theirs = api.call("GET", f"/users/{people['app']['$id']}/memberships").json["memberships"]
    assert theirs[0] == listed[2]
