// An app's front end as its developer would write it: nothing but the official web SDK.
// The query of the page says which server and project; a link in a mail adds userId and secret.
const { Client, Account, ID } = Appwrite;
const here = new URLSearchParams(location.search);
const client = new Client().setEndpoint(here.get("endpoint")).setProject(here.get("project"));
const account = new Account(client);

const $ = (id) => document.getElementById(id);
const show = (id, visible) => ($(id).hidden = !visible);
const list = (id, texts) =>
  $(id).replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );

let challenge; // the second factor that is being asked for

// "outside", "owing a factor" or "inside"
async function refresh() {
  let state = "inside";
  try {
    await render(await account.get());
  } catch (error) {
    if (error.type === "user_more_factors_required") state = "owing a factor";
    else if (error.type === "general_unauthorized_scope") state = "outside";
    else throw error;
  }
  if (state === "owing a factor") challenge ??= await account.createMfaChallenge("totp");
  show("outside", state === "outside");
  show("second-factor", state === "owing a factor");
  show("inside", state === "inside");
  $("state").textContent = state;
}

async function render(me) {
  $("name").textContent = me.name;
  $("email").textContent = me.email;
  $("verified").textContent = me.emailVerification ? "verified" : "not verified";
  const factors = await account.listMfaFactors();
  $("factors").textContent = Object.keys(factors).filter((name) => factors[name]).join(" ");
  const { sessions } = await account.listSessions();
  list("sessions", sessions.map((one) => `${one.clientName} on ${one.osName} (${one.factors}) `));
  sessions.forEach((one, at) => {
    const button = document.createElement("button");
    button.textContent = one.current ? "this one" : "End it";
    button.disabled = one.current;
    button.onclick = () => attempt(() => account.deleteSession(one.$id));
    $("sessions").children[at].append(button);
  });
  if (account.listLogs) list("logs", (await account.listLogs()).logs.map((log) => log.event));
}

// Do something, then show what has become of it; `body.dataset.done` counts for whoever waits.
async function attempt(act) {
  $("error").textContent = "";
  try {
    await act();
    await refresh();
  } catch (error) {
    $("error").textContent = error.type || error.message;
  }
  document.body.dataset.done = Number(document.body.dataset.done || 0) + 1;
}

const onSubmit = (id, act) =>
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    attempt(() => act(fields));
  });
const onClick = (id, act) => $(id).addEventListener("click", () => attempt(act));

onSubmit("sign-up", ({ name, email, password }) =>
  account.create(ID.unique(), email, password, name));
onSubmit("sign-in", ({ email, password }) => account.createEmailPasswordSession(email, password));
onSubmit("second-factor", async ({ otp }) => {
  await account.updateMfaChallenge(challenge.$id, otp);
  challenge = undefined;
});
onSubmit("confirm-totp", async ({ otp }) => {
  await account.updateMfaAuthenticator("totp", otp);
  await account.updateMFA(true);
  show("confirm-totp", false);
});
onSubmit("change-password", (fields) => account.updatePassword(fields.new, fields.old));
onClick("verify", () => account.createVerification(location.href));
onClick("enable-totp", async () => {
  const { uri } = await account.createMfaAuthenticator("totp");
  $("uri").textContent = uri;
  show("confirm-totp", true);
});
onClick("sign-out", () => account.deleteSession("current"));

attempt(async () => {
  if (here.has("secret")) await account.updateVerification(here.get("userId"), here.get("secret"));
});
