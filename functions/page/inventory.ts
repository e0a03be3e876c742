/** The inventory of what an environment runs, out of its release, and on request what is really there. */
import * as z from "zod";
import { INVENTORY_PATH, type Inventory, parseInventory } from "../../core/inventory.ts";
import { checkInventory } from "../../core/inventory-check.ts";
import { readBundle } from "../../core/release.ts";
import { type Environment, readEnvironment } from "../../io/ledger/environments.ts";
import { releaseKey } from "../../io/ledger/releases.ts";
import { inventoriesView, inventoryView } from "../../web/console/inventory.ts";
import { guard } from "../api/access.ts";
import { askLook } from "../ask-look.ts";
import { artifacts } from "../clients.ts";
import { NAME, queryOf } from "./doors.ts";
import { readableEnvironments } from "./listed.ts";
import { pages } from "./request.ts";
import { show } from "./show.ts";

const query = z.object({ q: z.string().max(100).default(""), sizes: z.literal("now").optional() });

export const inventoryPages = pages()
  .get("/inventory", guard({ permission: "read", of: "somewhere" }), async (c) =>
    show(c, { title: "Inventory", main: inventoriesView({ environments: await readableEnvironments(c) }) }),
  )
  .get(`/inventory/${NAME}`, guard({ permission: "read", of: "environment" }), async (c) => {
    const { q, sizes } = queryOf(c, query);
    const ledger = await c.var.ledger();
    const environment = await readEnvironment(ledger, c.req.param("name"));
    const inventory = await readDeclared(environment);
    const held = async () => {
      if (inventory === undefined || sizes === undefined) return undefined;
      const prefixes = inventory.storage.map(({ prefix }) => prefix);
      const holdings = await askLook("holdings", { environment: environment.name, prefixes });
      const { configuration } = environment.policy;
      return { holdings, check: checkInventory(inventory, holdings, { ...environment, configuration }) };
    };
    const { release } = environment;
    const main = inventoryView({ environment, release, inventory, search: q, held: await held() });
    return show(c, { title: `Inventory of ${environment.name}`, main });
  });

/** What the release declares; undefined where there is no release, or no inventory in it. */
async function readDeclared({ release }: Environment): Promise<Inventory | undefined> {
  if (release === null) return undefined;
  const { files } = readBundle(await artifacts().get(releaseKey(release)), release);
  const file = files.find(({ path }) => path === INVENTORY_PATH);
  return file && parseInventory(file.bytes);
}
