/** A process that writes by two, and kills itself amid it: `node dual-writer.ts OPTIONS-FILE SEED POINTS`, after so many points of commits; never with 0. */
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import type { Rows } from "../../core/store/store.ts";
import { openStore, type StoreOptions } from "../../store/open-store.ts";

const [file = "", seed = "", points = "0"] = process.argv.slice(2);
const options = JSON.parse(readFileSync(file, "utf8")) as StoreOptions<Rows>;

let left = Number(points);
subscribe("rehearsal:store-milestone", () => {
  left--;
  if (left === 0) process.kill(process.pid, "SIGKILL");
});

const TRANSACTIONS = 25;

const store = await openStore(options);
for (let n = 0; n < TRANSACTIONS; n++)
  await store.transaction(async (tx) => {
    const found = await tx.get("Counter", { id: "n" });
    await tx.put("Counter", { id: "n", value: String(Number(found?.value ?? 0) + 1) });
    await tx.append("EveryType", { ...nothing(), id: Number(seed) * 1_000 + n });
    await tx.put("Odd", { "the id": seed, ["__proto__"]: n % 3, constructor: "new" });
    if (n % 3 === 2) await tx.delete("EveryType", { id: Number(seed) * 1_000 + n - 1 });
  });
await store.close();

/** A row of NULLs. */
function nothing() {
  const model = options.models.models.find(({ name }) => name === "EveryType");
  return Object.fromEntries((model?.columns ?? []).map(({ name }) => [name, null]));
}
