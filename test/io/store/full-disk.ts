/** Fills a small disk with a store, in a mount namespace of its own (`unshare --mount`, as root). argv[2] is where; what happened is told as JSON. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { RehearsalError } from "../../../core/errors.ts";
import { openFolderPlace } from "../../../io/store/folder-place.ts";
import { openJsonStore } from "../../../io/store/json-store.ts";
import { audited } from "./audit.ts";
import { DEFINITION as definition } from "./definition.ts";

const folder = process.argv[2] ?? "";
const mount = (options: string) => execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);

mkdirSync(folder, { recursive: true });
mount("size=256k");
const open = async () =>
  openJsonStore({ place: await openFolderPlace(folder), definition, create: "canonical" });
let store = await open();
let written = 0;
let refused: RehearsalError | undefined;
const write = () => store.append("Log", { number: written + 1, what: "x".repeat(5000) });
while (refused === undefined)
  try {
    await write();
    written++;
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    refused = error;
  }
// It stays full for whoever tries again.
await write().catch(() => undefined);
const full = await store.count("Log");
await store.close();
store = await open();
const reopened = (await store.list("Log", {})).rows.length;
mount("remount,size=2m");
for (let more = 0; more < 20; more++) {
  await write();
  written++;
}
await store.settle();
const end = (await audited(store.place, definition)).get("Log")?.length;
await store.close();
const { code, message, hint, retryable } = refused;
process.stdout.write(
  JSON.stringify({ refused: { code, message, hint, retryable }, written: written - 20, full, reopened, end }),
);
