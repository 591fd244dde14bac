// What the drivers of the Node SDK share: clients, a record of what was called, questions.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

export const sdk = createRequire(process.argv[2] + "/package.json")("node-appwrite");

// The names of what an SDK's class can do.
export const methods = (service) =>
  Object.getOwnPropertyNames(service.prototype).filter((name) => name !== "constructor");

// A client of the project; {setKey: "..."} calls `setKey`, and so on.
export function client(setters = {}) {
  const made = new sdk.Client().setEndpoint(process.env.ENDPOINT).setProject(process.env.PROJECT);
  for (const [name, value] of Object.entries(setters)) made[name](value);
  return made;
}

// A service that adds to `called` which of its methods were called.
export const recorder = (service, called) =>
  new Proxy(service, {
    get(target, name) {
      if (typeof target[name] !== "function") return target[name];
      return (...args) => {
        called.add(name);
        return target[name](...args);
      };
    },
  });

export const account = (setters, called = new Set()) =>
  recorder(new sdk.Account(client(setters)), called);

export const refused = (code, type, promise) =>
  assert.rejects(promise, (error) => {
    assert.deepEqual([error.code, error.type], [code, type], error.message);
    return true;
  });

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Ask whoever runs this driver; see `driving.World`.
export async function ask(what, of) {
  console.log(JSON.stringify({ ask: what, of }));
  return JSON.parse((await answers.next()).value);
}

// The driver's last line; nothing more is asked.
export function finish(result) {
  console.log(JSON.stringify(result));
  process.stdin.destroy();
}
