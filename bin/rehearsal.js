#!/usr/bin/env node
/**
 * What `npx rehearsal` starts. It is JavaScript, for it has to be understood by a Node that is too old for the rest, and
 * because Node runs no TypeScript inside node_modules: an installed package has package/, a checkout has its sources.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as modules from "node:module";
import { fileURLToPath } from "node:url";

const compiled = new URL("../package/cli/main.mjs", import.meta.url);
const source = new URL("../cli/main.ts", import.meta.url);
// A package/ that an earlier `npm pack` has left in a checkout may be older than the sources beside it.
const entry = existsSync(source) ? source : compiled;
const needed = entry === source ? 24 : 22;

if (Number(process.versions.node.split(".")[0]) >= needed) {
  // Half of the time of a short command is the compiling of it. Where nothing can be kept it is compiled each time.
  const kept = entry === source ? "../.rehearsal/compile-cache" : "../../.cache/rehearsal";
  modules.enableCompileCache?.(fileURLToPath(new URL(kept, import.meta.url)));
  await import(entry.href);
} else {
  const newer = nodeOfRegistry();
  if (newer === undefined) refuse();
  else hand(newer);
}

/** Node as the npm package `node` has it, when it is installed here. */
function nodeOfRegistry() {
  const require = modules.createRequire(import.meta.url);
  try {
    return require.resolve("node/bin/node");
  } catch {
    return undefined;
  }
}

function hand(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; the child decides what it means.
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => {
      if (signal !== "SIGINT") child.kill(signal);
    });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}

function refuse() {
  const message = `Rehearsal needs Node ${needed} or newer, and this is ${process.version}`;
  const hint =
    'install a newer Node from https://nodejs.org, or put one beside the package: "npm install --save-dev node@24"';
  if (process.argv.includes("--json"))
    console.log(JSON.stringify({ error: { code: "NodeTooOld", message, hint, facts: {} } }, null, 2));
  else console.error(`error: ${message}\nhint:  ${hint}\ncode:  NodeTooOld`);
  process.exitCode = 2;
}
