/** Shapes kept in the bucket under their fingerprint, so that a later difference can be told and not only noticed. */
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { fingerprint, type Shape } from "../core/shape.ts";
import type { ObjectStore } from "../io/object-store.ts";

const keyOf = (hash: string) => `shapes/${hash}.json`;

/** Keeps a shape; returns its fingerprint. */
export async function keepShape(store: ObjectStore, shape: Shape): Promise<string> {
  const hash = fingerprint(shape);
  await store.putOnce(keyOf(hash), Buffer.from(canonicalJson(shape as unknown as Json)));
  return hash;
}

/** The shape of that fingerprint. */
export async function readKeptShape(store: ObjectStore, hash: string): Promise<Shape> {
  return JSON.parse(Buffer.from(await store.get(keyOf(hash))).toString()) as Shape;
}
