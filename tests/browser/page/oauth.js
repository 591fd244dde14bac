// Signing in by another provider, with nothing but the official web SDK.
const { Client, Account } = Appwrite;
const here = new URLSearchParams(location.search);
const client = new Client().setEndpoint(here.get("endpoint")).setProject(here.get("project"));
const account = new Account(client);
const $ = (id) => document.getElementById(id);
const list = (id, texts) =>
  $(id).replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );

// This page again, without what the last sign-in has put into its address.
function back() {
  const clean = new URLSearchParams(here);
  ["userId", "secret", "error"].forEach((name) => clean.delete(name));
  return `${location.origin}${location.pathname}?${clean}`;
}

async function refresh() {
  try {
    const me = await account.get();
    $("who").textContent = `${me.name}, ${me.email}, ${me.emailVerification ? "" : "not "}verified`;
    const { identities } = await account.listIdentities();
    list("identities", identities.map((one) => `${one.provider}: ${one.providerEmail}`));
    const { sessions } = await account.listSessions();
    list("sessions", sessions.map((one) => one.provider));
  } catch (error) {
    if (error.type !== "general_unauthorized_scope") throw error;
    $("who").textContent = "nobody";
    list("identities", []);
    list("sessions", []);
  }
}

async function attempt(act) {
  try {
    await act();
    await refresh();
  } catch (error) {
    $("error").textContent = error.type || error.message;
  }
  document.body.dataset.done = Number(document.body.dataset.done || 0) + 1;
}

$("session").onclick = () => account.createOAuth2Session("oidc-acme", back(), back());
$("token").onclick = () => account.createOAuth2Token("oidc-acme", back(), back());
$("sign-out").onclick = () => attempt(() => account.deleteSession("current"));

attempt(async () => {
  if (here.get("error")) $("error").textContent = JSON.parse(here.get("error")).type;
  if (here.get("secret")) await account.createSession(here.get("userId"), here.get("secret"));
});
