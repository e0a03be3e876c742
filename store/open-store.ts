/** The store that an application opens: its models in Postgres, in files, or in both, behind one typed interface. */
import { parseDatabaseUrl } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import type { StoreDefinition } from "../core/store/definition.ts";
import type { Rows, Store, Typed } from "../core/store/store.ts";
import type { SweptContents } from "../io/store/content-sweep.ts";
import type { Compare, Difference } from "../io/store/differences.ts";
import { type DataBackend, dataPlaces, getDataBackend } from "./data-backend.ts";

export interface StoreOptions<R extends Rows> {
  /** `models` of the module that "rehearsal store models" writes. */
  models: StoreDefinition & Typed<R>;
  /** What DATA_BACKEND says when not given. */
  backend?: DataBackend;
  /** `postgresql://…`; DATABASE_URL when not given. */
  database?: string;
  /** A folder, or `s3://bucket/prefix`; DATA_STORE when not given. */
  place?: string;
  /** Sessions with the database at most; ten when not given. */
  connections?: number;
  /** Bytes of files that are kept in memory; 64 MiB when not given. */
  cacheBytes?: number;
  /** With `json`: where there is no store yet, an empty one is made. */
  create?: boolean;
  /** With `dual`: which reads are compared; `sampled`, one in a hundred, when not given. */
  compare?: Compare;
  /** With `dual`: told of each difference that stayed, besides the store's `cache/differences.jsonl`; a warning of the process when not given. */
  onDifference?: (difference: Difference) => void;
  /** With `dual`: how long a difference may last before it is one; 5,000 when not given. */
  patienceMilliseconds?: number;
}

/**
 * Opens the store. Throws `DataBackendUnknown`, `InputInvalid` when it is not said where something is, and what the backend
 * has to refuse.
 *
 * @example
 * import { models } from "./models.ts";
 * const store = await openStore({ models });
 * await store.transaction(async (tx) => {
 *   const chat = await tx.get("Chat", { id });
 *   if (chat) await tx.append("Message", { id: randomUUID(), chat_id: chat.id, … });
 * });
 */
export async function openStore<R extends Rows = Rows>({
  models,
  backend = getDataBackend(),
  database,
  place,
  connections,
  cacheBytes,
  create,
  compare,
  onDifference,
  patienceMilliseconds,
}: StoreOptions<R>): Promise<Store<R>> {
  const postgres = () => ({
    address: parseDatabaseUrl(database ?? dataPlaces().database ?? lacks("database", "DATABASE_URL")),
    definition: models,
    ...(connections !== undefined && { connections }),
  });
  const files = async () => {
    const { openPlace } = await import("../io/store/open-place.ts");
    return openPlace(place ?? dataPlaces().place ?? lacks("place", "DATA_STORE"));
  };
  const open: Record<DataBackend, () => Promise<Store>> = {
    postgres: async () => (await import("../io/store/postgres-store.ts")).openPostgresStore(postgres()),
    json: async () =>
      (await import("../io/store/json-store.ts")).openJsonStore({
        place: await files(),
        definition: models,
        ...(create && { create: "canonical" as const }),
        ...(cacheBytes !== undefined && { cacheBytes }),
      }),
    dual: async () =>
      (await import("../io/store/dual-store.ts")).openDualStore({
        ...postgres(),
        place: await files(),
        ...(compare !== undefined && { compare }),
        ...(onDifference !== undefined && { onDifference }),
        ...(patienceMilliseconds !== undefined && { patienceMilliseconds }),
      }),
  };
  // Of the rows' types only the compiler knows.
  return (await open[backend]()) as unknown as Store<R>;
}

/**
 * Removes files of contents that no row refers to any more, of a store in a folder, also while applications write to it. Returns how many
 * and their bytes; beside more than 128 commits the rest is left for the next time. Throws `StorePlaceUnfit` for a bucket.
 */
export async function sweepContents({
  models,
  place = dataPlaces().place ?? lacks("place", "DATA_STORE"),
}: {
  models: StoreDefinition;
  /** A folder; DATA_STORE when not given. */
  place?: string;
}): Promise<SweptContents> {
  const { openPlace } = await import("../io/store/open-place.ts");
  const { openJsonStore } = await import("../io/store/json-store.ts");
  const store = await openJsonStore({ place: await openPlace(place), definition: models, as: "follower" });
  try {
    return await store.sweepContents();
  } finally {
    await store.close();
  }
}

function lacks(option: string, variable: string): never {
  throw new RehearsalError("InputInvalid", {
    what: "openStore",
    problems: `it is not said where the ${option} is: give "${option}", or set ${variable}`,
  });
}
