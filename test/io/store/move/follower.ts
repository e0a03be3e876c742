/** Follows a database in a process of its own, again and again, until it has passed so many points and dies by SIGKILL at one of them. */

import { subscribe } from "node:diagnostics_channel";
import type { DatabaseAddress } from "../../../../core/database-url.ts";
import type { StoreDefinition } from "../../../../core/store/definition.ts";
import { openSession } from "../../../../io/postgres/session.ts";
import { openJsonStore } from "../../../../io/store/json-store.ts";
import { syncOnce } from "../../../../io/store/move/sync.ts";
import { openPlace } from "../../../../io/store/open-place.ts";

interface Task {
  address: DatabaseAddress;
  folder: string;
  definition: StoreDefinition;
  /** Points that it passes before. */
  dieAt: number;
}

const { address, folder, definition, dieAt } = JSON.parse(process.argv[2] ?? "") as Task;
let left = dieAt;
const passed = () => {
  if (--left === 0) process.kill(process.pid, "SIGKILL");
};
// The store's own points between two effects as well.
subscribe("rehearsal:store-milestone", passed);
const store = await openJsonStore({ place: await openPlace(folder), definition, as: "follower" });
const session = await openSession(address, { application: "follower" });
for (;;) await syncOnce({ session, store, feed: "public.changes", passed });
