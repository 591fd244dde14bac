// The part of an app that is about teams: nothing but the official web SDK.
// The query says which server and project; the link of an invitation adds what accepting needs.
const { Client, Account, Teams, ID } = Appwrite;
const here = new URLSearchParams(location.search);
const client = new Client().setEndpoint(here.get("endpoint")).setProject(here.get("project"));
const account = new Account(client);
const teams = new Teams(client);

const $ = (id) => document.getElementById(id);
let me, team, members;

async function refresh() {
  me = await account.get().catch(() => undefined);
  $("who").textContent = me ? `${me.name}, ${me.emailVerification ? "verified" : "not verified"}` : "nobody";
  team = me && (await teams.list()).teams[0];
  $("team").textContent = team ? `${team.name}: ${team.total}` : "no team";
  members = team ? (await teams.listMemberships(team.$id)).memberships : [];
  $("members").replaceChildren(
    ...members.map((one) =>
      Object.assign(document.createElement("li"), {
        textContent: `${one.userName} (${one.roles})${one.confirm ? "" : " invited"}`,
      }),
    ),
  );
}

async function attempt(act) {
  $("error").textContent = "";
  try {
    await act();
  } catch (error) {
    $("error").textContent = error.type || error.message;
  }
  await refresh();
  document.body.dataset.done = Number(document.body.dataset.done || 0) + 1;
}

const onSubmit = (id, act) =>
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    attempt(() => act(fields));
  });

onSubmit("sign-in", ({ email, password }) => account.createEmailPasswordSession(email, password));
onSubmit("make", ({ name }) => teams.create(ID.unique(), name));
onSubmit("invite", ({ email }) =>
  teams.createMembership(team.$id, ["cook"], email, undefined, undefined, location.href, "Mira"));
$("leave").addEventListener("click", () =>
  attempt(() => teams.deleteMembership(team.$id, members.find((m) => m.userId === me.$id).$id)));

attempt(async () => {
  const [teamId, membershipId, userId, secret] =
    ["teamId", "membershipId", "userId", "secret"].map((name) => here.get(name));
  if (secret) await teams.updateMembershipStatus(teamId, membershipId, userId, secret);
});
