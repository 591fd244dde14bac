// A web app that renders on its server: it signs people in with an API key, keeps the session's
// secret in a cookie of its own, and acts for whoever brings that cookie.
// Argument: the folder that holds node_modules. Prints its port.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const sdk = createRequire(process.argv[2] + "/package.json")("node-appwrite");
const { Client, Account, ID } = sdk;

const client = (request) =>
  new Client()
    .setEndpoint(process.env.ENDPOINT)
    .setProject(process.env.PROJECT)
    .setForwardedUserAgent(request.headers["user-agent"]);
const asServer = (request) => new Account(client(request).setKey(process.env.KEY));
const asVisitor = (request) => {
  const secret = /(?:^|; )shop=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  return new Account(secret ? client(request).setSession(decodeURIComponent(secret)) : client(request));
};
const kept = (session) =>
  `shop=${encodeURIComponent(session.secret)}; Path=/; HttpOnly; SameSite=Lax; ` +
  `Expires=${new Date(session.expire).toUTCString()}`;

const routes = {
  "POST /sign-in": async (request, { email, password }) => {
    const session = await asServer(request).createEmailPasswordSession(email, password);
    return { cookie: kept(session), to: "/" };
  },
  "POST /send-link": async (request, { email }) => {
    const url = `http://localhost:${server.address().port}/welcome`;
    await asServer(request).createMagicURLToken(ID.unique(), email, url);
    return { page: "Look into your mailbox." };
  },
  "GET /welcome": async (request, { userId, secret }) => {
    const session = await asServer(request).createSession(userId, secret);
    return { cookie: kept(session), to: "/" };
  },
  "GET /": async (request) => {
    const me = await asVisitor(request).get();
    return { page: `Hello ${me.email}, you like ${me.prefs.theme ?? "any theme"}.` };
  },
  "POST /prefs": async (request, prefs) => {
    await asVisitor(request).updatePrefs(prefs);
    return { to: "/" };
  },
  "GET /sessions": async (request) => {
    const { sessions } = await asVisitor(request).listSessions();
    return { page: JSON.stringify(sessions) };
  },
  "POST /jwt": async (request) => ({ page: (await asVisitor(request).createJWT()).jwt }),
  "POST /sign-out": async (request) => {
    await asVisitor(request).deleteSession("current");
    return { cookie: "shop=; Path=/; Max-Age=0", to: "/" };
  },
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const fields = request.method === "GET" ? url.searchParams : new URLSearchParams(await text(request));
  try {
    const act = routes[`${request.method} ${url.pathname}`];
    const { page, cookie, to } = await act(request, Object.fromEntries(fields));
    if (cookie) response.setHeader("Set-Cookie", cookie);
    if (to) response.setHeader("Location", to);
    response.writeHead(to ? 303 : 200).end(page);
  } catch (error) {
    response.writeHead(error.code || 500).end(error.type || String(error));
  }
}).listen(0, "127.0.0.1", () => console.log(server.address().port));
