// Calls every method of the official Node SDK's `Users` class, and uses what it hands out.
// Arguments: the folder that holds node_modules, then "create" or the user to work on.
import assert from "node:assert/strict";
import { account, client, finish, methods, recorder, refused, sdk } from "./sdk.mjs";

const { Users, ID, Query } = sdk;
const what = process.argv[3];

const ABSENT = new Set(["updateImpersonator"]); // newer servers only; see docs/compatibility.md

const service = new Users(client({ setKey: process.env.KEY }));
const here = methods(Users);
const called = new Set();
const users = recorder(service, called);

async function create() {
  const mira = await users.create(
    ID.unique(), "mira@example.org", "+4915112345678", "correct horse", "Mira",
  );
  assert.equal(mira.email, "mira@example.org");
  const hash = "144fa7eaa4904e8ee120651997f70dcc";
  await users.createMD5User("i-md5", "md5@import.example", hash);
  await users.createArgon2User(
    "i-argon2", "argon2@import.example",
    "$argon2i$v=19$m=20,t=3,p=2$YXBwd3JpdGU$A/54i238ed09ZR4NwlACU5XnkjNBZU9QeOEuhjLiexI",
  );
  await users.createBcryptUser(
    "i-bcrypt", "bcrypt@import.example",
    "$2a$05$IjrtSz6SN7UJ6Sh3l.b5jODEvEG2LMJTPAHIaLWRvlWx7if3VMkFO",
  );
  await users.createPHPassUser(
    "i-phpass", "phpass@import.example", "$P$Br387rwferoKN7uwHZqNMu98q3U8RO.", "Phpass",
  );
  await users.createSHAUser(
    "i-sha", "sha@import.example",
    "ece375199f9118cf29e19e171742f668b6b13367dc1797d11da1c74795e758cc", "sha256",
  );
  await users.createScryptUser(
    "i-scrypt", "scrypt@import.example",
    "3fdef49701bc4cfaacd551fe017283513284b4731e6945c263246ef948d3cf63" +
      "b5d269c31fd697246085111a428245e24a4ddc6b64c687bc60a8910dbafc1d5b",
    "appwrite", 16384, 13, 2, 64,
  );
  await users.createScryptModifiedUser(
    "i-scrypt-modified", "scryptmod@import.example",
    "UlM7JiXRcQhzAGlaonpSqNSLIz475WMddOgLjej5De9vxTy48K6WtqlEzrRFeK4t0COfMhWCb8wuMHgxOFCHFQ==",
    "UxLMreBr6tYyjQ==", "Bw==",
    "XyEKE9RcTDeLEsL/RjwPDBv/RqDl8fb3gpYEOQaPihbxf1ZAtSOHCjuAAa7Q3oHpCYhXSN9tizHgVOwn6krflQ==",
  );
  for (const kind of ["md5", "argon2", "phpass", "sha", "scrypt", "scryptmod", "bcrypt"]) {
    const password = kind === "bcrypt" ? "hello-world" : "appwrite";
    const session = await account().createEmailPasswordSession(`${kind}@import.example`, password);
    assert.equal((await users.get(session.userId)).hash, "argon2");
  }
  await refused(409, "user_already_exists", users.create(mira.$id));
  return mira.$id;
}

async function work(id) {
  const page = await users.list([Query.equal("name", "MIRA"), Query.limit(1)]);
  assert.deepEqual([page.total, page.users[0].$id], [1, id]);
  assert.equal((await users.list([], "mir")).users[0].$id, id);
  if (service.list.length === 0) {
    // Newer SDKs take one object, too.
    const counted = await users.list({ queries: [Query.limit(2)], total: false });
    assert.deepEqual([counted.total, counted.users.length], [0, 2]);
  }
  await refused(400, "general_argument_invalid", users.list([Query.equal("nam", "x")]));

  assert.equal((await users.updateName(id, "Mira O.")).name, "Mira O.");
  assert.equal((await users.updateEmail(id, "mira@new.example")).email, "mira@new.example");
  assert.equal((await users.updatePhone(id, "+14155550100")).phone, "+14155550100");
  assert.deepEqual((await users.updateLabels(id, ["staff"])).labels, ["staff"]);
  assert.equal((await users.updateEmailVerification(id, true)).emailVerification, true);
  assert.equal((await users.updatePhoneVerification(id, true)).phoneVerification, true);
  assert.equal((await users.updatePrefs(id, { theme: "dark" })).theme, "dark");
  assert.deepEqual({ ...(await users.getPrefs(id)) }, { theme: "dark" });
  await users.updatePassword(id, "another horse");

  const session = await users.createSession(id);
  const mine = account({ setSession: session.secret });
  assert.equal((await mine.get()).$id, id);
  const { jwt } = await users.createJWT(id, session.$id);
  assert.equal((await account({ setJWT: jwt }).get()).$id, id);
  const token = await users.createToken(id, 12, 60);
  assert.equal(token.secret.length, 12);
  assert.equal((await account().createSession(id, token.secret)).provider, "token");
  assert.equal((await users.listSessions(id)).total, 2);
  await users.updateStatus(id, false);
  await refused(401, "user_blocked", mine.get());
  await users.updateStatus(id, true);
  await users.deleteSession(id, session.$id);
  await refused(401, "general_unauthorized_scope", mine.get());
  await users.deleteSessions(id);

  // Some SDKs spell these twice.
  const spelled = (name) => [name, name.replace("Mfa", "MFA")].filter((n) => n in service);
  for (const name of spelled("updateMfa")) assert.equal((await users[name](id, true)).mfa, true);
  for (const name of spelled("listMfaFactors")) assert.equal((await users[name](id)).totp, true);
  const [first, second] = spelled("createMfaRecoveryCodes");
  const { recoveryCodes } = await users[first](id);
  if (second) await refused(409, "user_recovery_codes_already_exists", users[second](id));
  for (const name of spelled("getMfaRecoveryCodes"))
    assert.deepEqual((await users[name](id)).recoveryCodes, recoveryCodes);
  for (const name of spelled("updateMfaRecoveryCodes"))
    assert.notDeepEqual((await users[name](id)).recoveryCodes, recoveryCodes);
  const [remove, again] = spelled("deleteMfaAuthenticator");
  await users[remove](id, "totp");
  if (again) await refused(404, "user_authenticator_not_found", users[again](id, "totp"));
  await users.updateMfa(id, false);

  const target = await users.createTarget(id, ID.unique(), "email", "second@example.org");
  assert.equal((await users.getTarget(id, target.$id)).identifier, "second@example.org");
  const moved = await users.updateTarget(id, target.$id, "third@example.org");
  assert.equal(moved.identifier, "third@example.org");
  assert.equal((await users.listTargets(id)).total, 3);
  await users.deleteTarget(id, target.$id);

  assert.equal((await users.listMemberships(id)).memberships[0].teamName, "Team");
  const { identities } = await users.listIdentities([Query.equal("userId", id)]);
  await users.deleteIdentity(identities[0].$id);
  const { logs } = await users.listLogs(id);
  assert.deepEqual(logs.map((log) => log.event), ["session.create"]); // what the user did
  await users.delete(id);
  await refused(404, "user_not_found", users.get(id));

  for (const name of here.filter((name) => ABSENT.has(name)))
    await refused(404, "general_route_not_found", users[name](id, true));
}

const userId = what === "create" ? await create() : what;
if (what !== "create") await work(userId);
finish({ userId, notCalled: here.filter((name) => !called.has(name)) });
