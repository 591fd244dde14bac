// Calls every method of the official Node SDK's `Teams` class, as a server and as people.
// Arguments: the folder that holds node_modules. Prints the methods not called.
import assert from "node:assert/strict";
import { account, ask, client, finish, methods, recorder, refused, sdk } from "./sdk.mjs";

const { ID, Query, Teams, Users } = sdk;
const ABSENT = /Installation/; // newer servers only; see docs/compatibility.md
const PAGE = "http://localhost/join?from=mail";

const called = new Set();
const teams = (setters) => recorder(new Teams(client(setters)), called);
const server = teams({ setKey: process.env.KEY });
const users = new Users(client({ setKey: process.env.KEY }));
const address = (tag) => `${tag}@${process.env.PROJECT}.example`;
const sessionOf = async (userId) => ({ setSession: (await users.createSession(userId)).secret });

async function asAServer() {
  const { $id: team, total } = await server.create(ID.unique(), "Lions", ["ignored"]);
  assert.equal(total, 0);
  await refused(409, "team_already_exists", server.create(team, "Tigers"));
  const ids = [];
  for (let at = 0; at < 3; at++) ids.push((await users.create(ID.unique())).$id);
  const made = [];
  for (const id of ids)
    made.push(await server.createMembership(team, ["cook"], undefined, id));
  assert.ok(made.every((one) => one.confirm && one.teamName === "Lions"));
  const cook = [Query.contains("roles", ["cook"]), Query.cursorAfter(made[0].$id)];
  const page = await server.listMemberships(team, cook);
  assert.deepEqual(page.memberships.map((one) => one.userId), ids.slice(1));
  assert.equal(page.total, 3);
  assert.equal((await server.listMemberships(team, [], ids[2])).total, 1);
  if (Teams.prototype.list.length === 0) {
    // Newer SDKs take one object, too.
    const counted = await server.listMemberships({ teamId: team, total: false });
    assert.deepEqual([counted.total, counted.memberships.length], [0, 3]);
  }
  await users.delete(ids[0]);
  assert.equal((await server.get(team)).total, 2);
  await server.delete(team);
  await refused(404, "team_not_found", server.get(team));
}

async function asPeople() {
  const ada = teams(await sessionOf((await users.create(ID.unique(), address("ada"))).$id));
  const { $id: team } = await ada.create(ID.unique(), "Tigers", ["captain"]);
  assert.equal((await ada.updateName(team, "Tigers & Co")).total, 1);
  assert.deepEqual({ ...(await ada.updatePrefs(team, { colour: "red" })) }, { colour: "red" });
  assert.deepEqual({ ...(await ada.getPrefs(team)) }, { colour: "red" });
  const found = await ada.list([Query.equal("name", "TIGERS & CO")], "tiger");
  assert.deepEqual(found.teams.map((one) => one.$id), [team]);

  const invited = await ada.createMembership(
    team, ["cook"], address("mira"), undefined, undefined, PAGE, "Mira",
  );
  assert.equal(invited.confirm, false);
  const link = await ask("link", address("mira"));
  assert.deepEqual([link.teamId, link.membershipId], [team, invited.$id]);
  const status = (secret) =>
    teams().updateMembershipStatus(team, invited.$id, link.userId, secret);
  await refused(401, "team_invalid_secret", status("wrong"));
  assert.deepEqual((await status(link.secret)).roles, ["cook"]);
  const session = await sessionOf(link.userId);
  assert.equal((await account(session).get()).emailVerification, true);
  const mira = teams(session);
  assert.equal((await mira.get(team)).total, 2);
  await refused(401, "user_unauthorized", mira.updateName(team, "Mine"));
  await refused(401, "user_unauthorized", mira.updateMembership(team, invited.$id, ["owner"]));
  const owner = await ada.updateMembership(team, invited.$id, ["owner"]);
  assert.deepEqual(owner.roles, ["owner"]);
  assert.equal((await mira.updateName(team, "Ours")).name, "Ours");
  assert.equal((await ada.getMembership(team, invited.$id)).userName, "");
  assert.equal((await server.getMembership(team, invited.$id)).userName, "Mira");
  await mira.deleteMembership(team, invited.$id);
  await refused(404, "team_not_found", mira.get(team));
  assert.equal((await ada.get(team)).total, 1);
  await ada.delete(team);
}

await asAServer();
await asPeople();
const here = methods(Teams);
for (const name of here.filter((name) => ABSENT.test(name)))
  await refused(404, "general_route_not_found", server[name]("x", "x", "x"));
finish({ notCalled: here.filter((name) => !called.has(name)) });
