/** What an environment holds now, read for an inventory: its tables with their sizes, and the objects of its bucket. */
import { parseDatabaseUrl } from "../core/database-url.ts";
import { countObjects, type Holdings } from "../core/holdings.ts";
import { tablesOf } from "../core/inventory-shape.ts";
import { quoteQualified } from "../core/names.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { openObjectStore } from "../io/object-store.ts";
import { reading } from "../io/postgres/reading.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { readTableSizes } from "../io/postgres/table-sizes.ts";
import { secrets } from "./clients.ts";
import { lookAt } from "./look.ts";

/** Objects that are looked at: a request is answered while a person waits. */
const MOST = 50_000;

/** Reads, and writes nothing; `prefixes` are those whose objects are counted, without the environment's root. */
export async function readHoldings(
  ledger: Session,
  name: string,
  prefixes: readonly string[],
): Promise<Holdings> {
  const environment = await readEnvironment(ledger, name);
  const [tables, storage] = await lookAt(ledger, name, () =>
    Promise.all([readTables(environment), readStorage(environment, prefixes)]),
  );
  return { environment: name, tables, storage };
}

async function readTables(environment: Environment): Promise<Holdings["tables"]> {
  const address = parseDatabaseUrl(await secrets.readSecret(environment.secret));
  const session = await openSession(address, {
    application: `rehearsal inventory ${environment.name}`,
    readOnly: true,
    statementTimeout: 20_000,
    patienceSeconds: 5,
  });
  try {
    return await reading(session, async () => {
      const tables = tablesOf(await readShape(session));
      const sizes = await readTableSizes(session);
      const none = { rows: 0, exact: true, bytes: 0 };
      return tables.map((table) => ({
        ...table,
        ...(sizes.get(quoteQualified(table.schema, table.name)) ?? none),
      }));
    });
  } finally {
    await session.close();
  }
}

async function readStorage(
  { policy }: Environment,
  prefixes: readonly string[],
): Promise<Holdings["storage"]> {
  if (policy.storage === undefined) return null;
  const { bucket, root } = policy.storage;
  const store = openObjectStore({ bucket });
  const wanted = [...new Set([...policy.storage.prefixes, ...prefixes])];
  const count = countObjects(wanted);
  try {
    let looked = 0;
    for await (const { key, size } of store.list(root)) {
      if (++looked > MOST) break;
      count.add(key.slice(root.length), size);
    }
    const { prefixes: counted, strays } = count.counted();
    // Beyond what was looked at, whether a prefix holds anything is still worth one question.
    for (const place of looked > MOST ? counted : [])
      if (place.objects === 0)
        for await (const { size } of store.list(root + place.prefix)) {
          Object.assign(place, { objects: 1, bytes: size });
          break;
        }
    return { bucket, root, prefixes: counted, strays, whole: looked <= MOST };
  } finally {
    store.close();
  }
}
