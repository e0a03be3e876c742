/** Two shapes compared, whatever they are named by: a database now, a promotion before and after, a release, a backup, a fingerprint. */
import { RehearsalError } from "../core/errors.ts";
import { fingerprint, type Shape } from "../core/shape.ts";
import { compareShapes, type ShapeComparison } from "../core/shape-comparison.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import type { Side } from "./diff-sides.ts";
import { readLiveShape } from "./drift.ts";
import { readExpectations } from "./expectations.ts";
import { lookAt } from "./look.ts";
import { readKeptShape } from "./shapes.ts";

interface Diff extends ShapeComparison {
  from: { named: string; is: string; fingerprint: string };
  to: { named: string; is: string; fingerprint: string };
}

/** Compares two; throws `NotFound` for what is gone, `ShapeUnknown` for what has left no shape. */
export async function findDiff(
  ledger: Session,
  store: ObjectStore,
  sides: { from: Side; to: Side },
): Promise<Diff> {
  const [from, to] = [await readSide(ledger, store, sides.from), await readSide(ledger, store, sides.to)];
  const shown = ({ named, is, shape }: Named) => ({ named, is, fingerprint: fingerprint(shape) });
  return { from: shown(from), to: shown(to), ...compareShapes(from.shape, to.shape) };
}

interface Named {
  named: string;
  is: string;
  shape: Shape;
}

async function readSide(ledger: Session, store: ObjectStore, { named, of }: Side): Promise<Named> {
  if ("environment" in of) {
    const environment = await readEnvironment(ledger, of.environment);
    const shape = await lookAt(ledger, environment.name, () => readLiveShape(environment));
    return { named, is: "environment, as it is now", shape };
  }
  if ("promotion" in of) return ofPromotion(ledger, store, named, of.promotion, of.before);
  if ("shape" in of)
    return {
      named,
      is: "shape",
      shape: await keptShape(store, of.shape, "there is none of that fingerprint"),
    };
  const replay = await newestReplay(ledger, of.release);
  if (replay === undefined)
    throw new RehearsalError("ShapeUnknown", { named, reason: "the release was never replayed" });
  return {
    named,
    is: `release ${of.release.slice(0, 12)}, as replayed`,
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
