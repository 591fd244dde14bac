// Calls every method of the official Node SDK's `Account` class, for somebody with a real mailbox.
// Argument: the folder that holds node_modules.
import assert from "node:assert/strict";
import { account as as, ask, finish, methods, refused, sdk } from "./sdk.mjs";

const { Account, ID, Query } = sdk;

// Methods of newer servers, without an endpoint in 1.7; see docs/compatibility.md.
const ABSENT = ["listConsents", "getConsent", "deleteConsent", "listConsentTokens",
  "getConsentToken", "deleteConsentToken"];

const PAGE = "http://localhost/welcome?from=mail";
const here = new Set(methods(Account));
const called = new Set();
const server = as({ setKey: process.env.KEY }, called);
const guest = as({}, called);
const email = `mira@${process.env.PROJECT}.example`;
const olga = `olga@${process.env.PROJECT}.example`;
const phone = (digit) => process.env.PHONE + digit;

const signedIn = (session) => {
  assert.ok(session.secret, "a server sees the secret");
  return as({ setSession: session.secret }, called);
};
const signIn = async (password) =>
  signedIn(await server.createEmailPasswordSession(email, password));
// Some SDKs spell a method twice: those of the spellings that this one has.
const spelled = (...names) => names.filter((name) => here.has(name));
const mfa = (name) => spelled(name, name.replace("Mfa", "MFA"));

async function signUp() {
  const made = await guest.create(ID.unique(), email, "correct horse", "Mira");
  assert.equal((await guest.createEmailPasswordSession(email, "correct horse")).secret, "");
  const mine = await signIn("correct horse");
  assert.equal((await mine.get()).$id, made.$id);
  await refused(401, "general_unauthorized_scope", guest.get());
  return mine;
}

async function profile(mine) {
  assert.equal((await mine.updateName("Mira O.")).name, "Mira O.");
  assert.equal((await mine.updatePhone(phone(1), "correct horse")).phone, phone(1));
  await mine.updatePassword("another horse", "correct horse");
  await mine.updatePrefs({ theme: "dark" });
  assert.deepEqual({ ...(await mine.getPrefs()) }, { theme: "dark" });
}

async function verification(mine) {
  const begins = spelled("createVerification", "createEmailVerification");
  const finishes = spelled("updateVerification", "updateEmailVerification");
  for (const [at, begin] of begins.entries()) {
    const address = `${at}-${email}`;
    await mine.updateEmail(address, "another horse");
    await mine[begin](PAGE);
    const { userId, secret } = await ask("link", address);
    await guest[finishes[at]](userId, secret);
    assert.equal((await mine.get()).emailVerification, true);
    await refused(409, "user_email_already_verified", mine[begin](PAGE));
  }
  await mine.updateEmail(email, "another horse");
  const { userId } = await mine.createPhoneVerification();
  await mine.updatePhoneVerification(userId, await ask("message", phone(1)));
  assert.equal((await mine.get()).phoneVerification, true);
}

async function secondFactor(mine) {
  let secret;
  for (const name of mfa("createMfaAuthenticator")) ({ secret } = await mine[name]("totp"));
  const [confirm, again] = mfa("updateMfaAuthenticator");
  await mine[confirm]("totp", await ask("otp", secret));
  if (again)
    await refused(409, "user_authenticator_already_verified", mine[again]("totp", "000000"));
  assert.equal((await mine.updateMFA(true)).mfa, true);
  const [create, twice] = mfa("createMfaRecoveryCodes");
  const { recoveryCodes } = await mine[create]();
  if (twice) await refused(409, "user_recovery_codes_already_exists", mine[twice]());
  for (const name of mfa("listMfaFactors")) assert.equal((await mine[name]()).totp, true);

  const answers = [
    ["totp", () => ask("otp", secret)],
    ["phone", () => ask("message", phone(1))],
    ["recoverycode", () => recoveryCodes[0]],
  ];
  const begins = mfa("createMfaChallenge"), finishes = mfa("updateMfaChallenge");
  let fresh;
  for (const [at, [factor, answer]] of answers.entries()) {
    fresh = await signIn("another horse");
    await refused(401, "user_more_factors_required", fresh.get());
    const { $id } = await fresh[begins[at % begins.length]](factor);
    const session = await fresh[finishes[at % finishes.length]]($id, await answer());
    assert.deepEqual(session.factors, ["password", factor]);
  }
  for (const name of mfa("getMfaRecoveryCodes"))
    assert.equal((await fresh[name]()).recoveryCodes.length, 5);
  for (const name of mfa("updateMfaRecoveryCodes"))
    assert.equal((await fresh[name]()).recoveryCodes.length, 6);
  const [remove, more] = mfa("deleteMfaAuthenticator");
  await fresh[remove]("totp");
  if (more) await refused(404, "user_authenticator_not_found", fresh[more]("totp"));
  await fresh.updateMFA(false);
}

async function recovery() {
  await guest.createRecovery(email, PAGE);
  const { userId, secret } = await ask("link", email);
  await guest.updateRecovery(userId, secret, "third horse here");
  await refused(401, "user_invalid_token", guest.updateRecovery(userId, secret, "fourth horse"));
}

async function tokens() {
  const token = await guest.createMagicURLToken(ID.unique(), olga, PAGE, true);
  assert.match(token.phrase, /^\S+ \S+$/);
  const link = await ask("link", olga);
  const session = await server.updateMagicURLSession(link.userId, link.secret);
  assert.equal((await signedIn(session).get()).emailVerification, true);
  await guest.createEmailToken(ID.unique(), olga);
  assert.equal(
    (await server.createSession(link.userId, await ask("code", olga))).provider, "token",
  );
  const { userId } = await guest.createPhoneToken(ID.unique(), phone(2));
  const code = await ask("message", phone(2));
  assert.equal((await server.updatePhoneSession(userId, code)).provider, "phone");
  const nobody = signedIn(await server.createAnonymousSession());
  assert.equal((await nobody.get()).email, "");
}

async function oauth2() {
  const location = await guest.createOAuth2Token("oidc-acme", PAGE, PAGE);
  const { userId, secret } = await ask("consent", location);
  const mine = signedIn(await server.createSession(userId, secret));
  const { identities } = await mine.listIdentities();
  assert.deepEqual(identities.map((one) => one.provider), ["oidc-acme"]);
  await mine.deleteIdentity(identities[0].$id);
  assert.equal((await mine.listIdentities()).total, 0);
}

async function sessions() {
  await signIn("third horse here");
  const mine = await signIn("third horse here");
  const { jwt } = await mine.createJWT();
  assert.equal((await as({ setJWT: jwt }, called).get()).email, email);
  const current = await mine.getSession("current");
  await mine.updateSession(current.$id);
  const { sessions } = await mine.listSessions();
  const other = sessions.find((one) => !one.current);
  await mine.deleteSession(other.$id);
  await refused(404, "user_session_not_found", mine.getSession(other.$id));
  await mine.deleteSessions();
  await refused(401, "general_unauthorized_scope", mine.get());
}

async function leave() {
  const mine = await signIn("third horse here");
  const { logs } = await mine.listLogs([Query.limit(1)]);
  assert.deepEqual(logs.map((log) => log.event), ["session.create"]);
  for (const name of ABSENT.filter((name) => here.has(name)))
    await refused(404, "general_route_not_found", mine[name]("x", "x"));
  assert.equal((await mine.updateStatus()).status, false);
  await refused(401, "user_blocked", mine.get());
}

const mine = await signUp();
await profile(mine);
await verification(mine);
await secondFactor(mine);
await recovery();
await tokens();
await oauth2();
await sessions();
await leave();
finish({ email, notCalled: [...here].filter((name) => !called.has(name)) });
