#!/usr/bin/env node
/** The command `rehearsal`: words in, one outcome out, and an exit code that scripts can rely on. */
import "./parser-tiers.ts";
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

process.exitCode = await run(process.argv.slice(2), {
  terminal: processTerminal(),
  variables: process.env,
  folder: currentFolder(),
});

/** Where the person stands: npm runs scripts in the package's folder and tells in INIT_CWD where it was called. */
function currentFolder(): string {
  const { npm_lifecycle_event: script, INIT_CWD: called } = process.env;
  return script === "rehearsal" && called ? called : process.cwd();
}
