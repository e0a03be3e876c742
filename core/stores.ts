/** The words of stores: where the files of an environment's data lie, and how far they are from being what counts. */
import * as z from "zod";
import type { StoreProblem } from "./store/verification.ts";

export const STORE_PHASES = [
  "exporting",
  "following",
  "verified",
  "cutting-over",
  "cut-over",
  "going-back",
  "returned",
  "given-up",
] as const;

export type StorePhase = (typeof STORE_PHASES)[number];

/** Whether it is over: the database counts, and the environment may have another store. */
export function isStoreEnded(phase: StorePhase): boolean {
  return phase === "returned" || phase === "given-up";
}

/** The phases in which the database is behind a fence, or about to be: nothing else may change it, nor rest on it. */
export const BEHIND_FENCE = [
  "cutting-over",
  "cut-over",
  "going-back",
] as const satisfies readonly StorePhase[];

export const storePlaceSchema = z.union([
  z.strictObject({
    /** The whole path of a folder on the machine where the service runs. */
    folder: z
      .string()
      .min(2)
      .max(1_000)
      .regex(/^\/[^\0]*$/, "it must be a whole path, from / on")
      .refine((path) => !path.split("/").includes(".."), "a path has no .."),
  }),
  z.strictObject({
    /** Below `stores/` of the environment's storage. */
    prefix: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "use letters, digits, dots, _ and -"),
  }),
]);

export type StorePlace = z.infer<typeof storePlaceSchema>;

/** The prefix of a store's files: nobody else's objects, whatever the name. */
export function storePrefix(storage: { root: string }, prefix: string): string {
  return `${storage.root}stores/${prefix}/`;
}

/** In words, for people and the log. */
export function describePlace(place: StorePlace): string {
  return "folder" in place ? place.folder : `stores/${place.prefix}`;
}

/** A change feed's table, as a person names it: `changes`, or `audit.changes`. */
export const feedTable = z
  .string()
  .max(130)
  .regex(/^[^."\p{Cc}]+(?:\.[^."\p{Cc}]+)?$/u, "name a table, with its schema where that is not public");

/** The same with its schema. */
export function qualifiedFeed(name: string): string {
  return name.includes(".") ? name : `public.${name}`;
}

/** What a verification found, in words; values of rows are not told. */
export function describeProblem({
  problem,
  model,
  key,
  columns,
  path,
  constraint,
  reason,
}: StoreProblem): string {
  return [
    problem,
    ...(model === undefined ? [] : [`${model}${key === undefined ? "" : ` ${key}`}`]),
    ...(columns === undefined || columns.length === 0 ? [] : [`in ${columns.join(", ")}`]),
    ...(path === undefined ? [] : [`in the file ${path}`]),
    ...(constraint === undefined ? [] : [`by ${constraint}`]),
    ...(reason === undefined ? [] : [`(${reason})`]),
  ].join(" ");
}
