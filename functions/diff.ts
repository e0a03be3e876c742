/** Two shapes compared, whatever they are named by: a database now, a promotion before and after, a release, a backup, a fingerprint. */
import { RehearsalError } from "../core/errors.ts";
import { fingerprint, type Shape } from "../core/shape.ts";
import { compareShapes, type ShapeComparison } from "../core/shape-comparison.ts";
import { readBackup } from "../io/ledger/backup-rows.ts";
import { listEnvironments } from "../io/ledger/environments.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import { findRelease, isKnownRelease } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { readLiveShape } from "./drift.ts";
import { readExpectations } from "./expectations.ts";
import { lookAt } from "./look.ts";
import { readKeptShape } from "./shapes.ts";

export interface Diff extends ShapeComparison {
  from: { named: string; is: string; fingerprint: string };
  to: { named: string; is: string; fingerprint: string };
}

/** Throws unless whoever asks may compare what is of that environment; `askedFor` is what a refusal may name. */
export type AssertMay = (environment: string, askedFor: { what: string; name: string }) => void;

/** Compares two; throws `NotFound` for a name that means nothing, `ShapeUnknown` for what has left no shape. */
export async function findDiff(
  ledger: Session,
  store: ObjectStore,
  request: { from: string; to: string },
  assertMay: AssertMay,
): Promise<Diff> {
  const resolved = (named: string) => resolve(ledger, store, named, assertMay);
  const [from, to] = [await resolved(request.from), await resolved(request.to)];
  const shown = ({ named, is, shape }: Named) => ({ named, is, fingerprint: fingerprint(shape) });
  return { from: shown(from), to: shown(to), ...compareShapes(from.shape, to.shape) };
}

interface Named {
  named: string;
  is: string;
  shape: Shape;
}

async function resolve(
  ledger: Session,
  store: ObjectStore,
  named: string,
  assertMay: AssertMay,
): Promise<Named> {
  const environment = (await listEnvironments(ledger)).find(({ name }) => name === named);
  if (environment !== undefined) {
    // In the words for a name that means nothing.
    assertMay(environment.name, { what: "shape", name: named });
    return {
      named,
      is: "environment, as it is now",
      shape: await lookAt(ledger, named, () => readLiveShape(environment)),
    };
  }
  const [, promotion, when] = /^(p[0-9]{6}[0-9a-z]{8})(?::(before|after))?$/.exec(named) ?? [];
  if (promotion !== undefined) {
    const { environment } = await readPromotion(ledger, promotion);
    assertMay(environment, { what: "promotion", name: promotion });
    return ofPromotion(ledger, store, named, promotion, when === "before");
  }
  if (/^b[0-9]{6}|^p[0-9]{6}[0-9a-z]{8}-/.test(named)) {
    const backup = await readBackup(ledger, named);
    assertMay(backup.environment, { what: "backup", name: named });
    if (backup.promotion === null)
      throw new RehearsalError("ShapeUnknown", {
        named,
        reason: "a backup taken by itself keeps its structure in its own archive alone",
      });
    return ofPromotion(ledger, store, named, backup.promotion, true);
  }
  if (/^[0-9a-f]{64}$/.test(named) && !(await isKnownRelease(ledger, named)))
    return { named, is: "shape", shape: await keptShape(store, named, "there is none of that fingerprint") };
  if (!/^[0-9a-f]{4,64}$/.test(named)) throw new RehearsalError("NotFound", { what: "shape", name: named });
  const { hash } = await findRelease(ledger, named);
  const replay = await newestReplay(ledger, hash);
  if (replay === undefined)
    throw new RehearsalError("ShapeUnknown", { named, reason: "the release was never replayed" });
  return {
    named,
    is: `release ${hash.slice(0, 12)}, as replayed`,
    shape: await keptShape(store, replay, "its replay has left none"),
  };
}

async function ofPromotion(
  ledger: Session,
  store: ObjectStore,
  named: string,
  id: string,
  before: boolean,
): Promise<Named> {
  const { facts } = await readPromotion(ledger, id);
  const is = `promotion ${id}, ${before ? "before" : "after"}`;
  if (!before && facts.rehearsal !== undefined) {
    const { runs } = await readExpectations(store, facts.rehearsal);
    const last = runs.at(-1);
    if (last !== undefined) return { named, is, shape: last.shape };
  }
  if (facts.fingerprint === undefined || (!before && facts.rehearsal === undefined))
    throw new RehearsalError("ShapeUnknown", { named, reason: "the promotion did not get that far" });
  return { named, is, shape: await keptShape(store, facts.fingerprint, "its snapshot was never taken") };
}

async function keptShape(store: ObjectStore, hash: string, reason: string): Promise<Shape> {
  return readKeptShape(store, hash).catch((error: unknown) => {
    if (!(error instanceof RehearsalError) || error.code !== "ObjectMissing") throw error;
    throw new RehearsalError("ShapeUnknown", { named: hash, reason }, { cause: error });
  });
}

/** The fingerprint that the release's newest replay has made. */
async function newestReplay(ledger: Session, release: string): Promise<string | undefined> {
  const [row] = await ledger.query<{ shape: string }>(
    `select outcome ->> 'shape' as shape from ledger.tasks
      where kind = 'replay' and status = 'succeeded' and input ->> 'release' = $1
      order by created_at desc limit 1`,
    [release],
  );
  return row?.shape;
}
