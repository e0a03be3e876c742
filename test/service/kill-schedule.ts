/**
 * Loaded in every sandbox of a service under test: at the named milestone the whole process is killed, once. The point
 * is `STEP:POINT`; the marker file is made first, so that the next process does not die there again.
 */
import { subscribe } from "node:diagnostics_channel";
import { closeSync, openSync } from "node:fs";
import type { Milestone } from "../../io/milestone.ts";
import "./guarded.ts";

const { REHEARSAL_TEST_KILL_FILE: file } = process.env;

subscribe("rehearsal:milestone", (message) => {
  const { step, point } = message as Milestone;
  if (file === undefined) return;
  try {
    // The test writes the point it wants as the file's name; renaming would race, an exclusive create does not.
    closeSync(openSync(`${file}/${step}:${point}.armed`, "r"));
    closeSync(openSync(`${file}/${step}:${point}.fired`, "wx"));
  } catch {
    // Not armed, or fired already.
    return;
  }
  process.kill(process.pid, "SIGKILL");
});
