/** One part of a move in a process of its own, so that its memory is its own: `node child.ts '{…}'` prints one line of JSON. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { exportStore } from "../../io/store/move/export.ts";
import { importStore } from "../../io/store/move/import.ts";
import { verifyStore } from "../../io/store/move/verify.ts";
import { openPlace } from "../../io/store/open-place.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export interface MoveTask {
  what: "export" | "verify" | "import";
  address: DatabaseAddress;
  folder: string;
  definition: StoreDefinition;
}

export interface MoveOutcome {
  seconds: number;
  rows: number;
  /** The most memory the process ever held. */
  peakBytes: number;
  /** The most that was held behind a collection, of every so many. */
  heldBytes: number;
  /** Of the process, not of the server. */
  cpuSeconds: number;
}

/** Milliseconds between two collections, which take their time too. */
const COLLECTED = 1_000;

async function carryOut({ what, address, folder, definition }: MoveTask): Promise<MoveOutcome> {
  let held = 0;
  let looked = performance.now();
  const look = () => {
    if (performance.now() - looked < COLLECTED) return;
    collect();
    const { heapUsed, external } = process.memoryUsage();
    held = Math.max(held, heapUsed + external);
    looked = performance.now();
  };
  const place = await openPlace(folder);
  const about = { address, application: "bench", definition, place, onProgress: look };
  const began = performance.now();
  let rows: number;
  if (what === "export") ({ rows } = await exportStore({ ...about, id: "bench" }));
  else if (what === "import") ({ rows } = await importStore(about));
  else {
    const store = await openJsonStore({ place, definition, as: "follower" });
    const found = await verifyStore({ store, database: about, onProgress: look });
    if (!found.verified) throw new Error(JSON.stringify(found.problems.slice(0, 3)));
    rows = Object.values(found.models).reduce((sum, { files }) => sum + files.rows, 0);
  }
  const seconds = (performance.now() - began) / 1000;
  await place.close();
  const used = process.resourceUsage();
  return {
    ...{ seconds, rows, peakBytes: used.maxRSS * 1024, heldBytes: held },
    cpuSeconds: (used.userCPUTime + used.systemCPUTime) / 1e6,
  };
}

console.log(JSON.stringify(await carryOut(JSON.parse(process.argv[2] ?? "") as MoveTask)));
