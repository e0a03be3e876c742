/** Drift, told in full: where a database departs from what the ledger promises of it, and the SQL that leads back. */
import { parseDatabaseUrl } from "../core/database-url.ts";
import { withoutIgnored } from "../core/drift.ts";
import { fingerprint, type Shape } from "../core/shape.ts";
import { compareShapes, type ShapeComparison } from "../core/shape-comparison.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { secrets } from "./clients.ts";
import { readKeptShape } from "./shapes.ts";

export interface Drift extends ShapeComparison {
  environment: string;
  promised: string;
  found: string;
  /** How many objects the policy ignores. */
  ignored: number;
}

/** Holds an environment's database against its promise; writes nothing. */
export async function findDrift(ledger: Session, store: ObjectStore, name: string): Promise<Drift> {
  const environment = await readEnvironment(ledger, name);
  const { ignore } = environment.policy.drift;
  const live = await readLiveShape(environment);
  const [guarded, promised] = [
    withoutIgnored(live, ignore),
    withoutIgnored(await readKeptShape(store, environment.fingerprint), ignore),
  ];
  return {
    environment: environment.name,
    promised: fingerprint(promised),
    found: fingerprint(guarded),
    ignored: Object.keys(live.objects).length - Object.keys(guarded.objects).length,
    ...compareShapes(guarded, promised),
  };
}

/** The whole shape of an environment's database, as it is now. */
export async function readLiveShape({ name, secret }: Environment): Promise<Shape> {
  const session = await openSession(parseDatabaseUrl(await secrets.readSecret(secret)), {
    application: `rehearsal drift ${name}`,
    readOnly: true,
    statementTimeout: 20_000,
    patienceSeconds: 5,
  });
  try {
    return await readShape(session);
  } finally {
    await session.close();
  }
}
