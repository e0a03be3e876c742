/** What an application's store does in a second, by its backend: one caller, who waits for each answer, on the same 10,000 messages. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import type { Row, Store } from "../../core/store/store.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { exportStore } from "../../io/store/move/export.ts";
import { openPlace } from "../../io/store/open-place.ts";
import { startS3 } from "../../local/s3/server.ts";
import { openStore, type StoreOptions } from "../../store/open-store.ts";
import { middle } from "../middle.ts";
import { makeChats } from "./chats.ts";

const MESSAGES = 10_000;
/** Of each operation on each backend. */
const SECONDS = 1;

export const BACKENDS = ["postgres", "json, a folder", "json, S3", "dual, a folder"] as const;
export const OPERATIONS = ["get", "list of 100", "put", "append", "two rows in a transaction"] as const;

/** Operations by the second. */
export type Ops = Record<(typeof BACKENDS)[number], Record<(typeof OPERATIONS)[number], number>>;

/** Once through all backends, on a server and in a folder of ours. */
export async function measureOps(server: DatabaseAddress, folder: string): Promise<Ops> {
  const s3 = await startS3({ folder: join(folder, "ops-s3") });
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  });
  try {
    const client = new S3Client({});
    await client.send(new CreateBucketCommand({ Bucket: "ops" }));
    client.destroy();
    const { address, definition } = await makeChats(server, "ops", MESSAGES);
    const about = { models: definition, database: databaseUrl(address) };
    const kept = async (place: string, canonical: boolean) => {
      await exported(address, definition, place, canonical);
      return { ...about, place };
    };
    return {
      "json, a folder": await rates({ ...(await kept(join(folder, "ops-json"), true)), backend: "json" }),
      "json, S3": await rates({ ...(await kept("s3://ops/store", true)), backend: "json" }),
      "dual, a folder": await rates({ ...(await kept(join(folder, "ops-dual"), false)), backend: "dual" }),
      postgres: await rates({ ...about, backend: "postgres" }),
    };
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    await s3.stop();
    for (const name of ["ops-s3", "ops-json", "ops-dual"])
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** The middles of several rounds. */
export function opsTable(rounds: readonly Ops[]): string {
  const lines = BACKENDS.map((backend) => [
    backend,
    ...OPERATIONS.map((operation) =>
      Math.round(middle(rounds.map((round) => round[backend][operation]))).toLocaleString("en-US"),
    ),
  ]);
  const head = ["by the second", ...OPERATIONS];
  return [head, head.map((_, at) => (at === 0 ? "---" : "---:")), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

async function exported(
  address: DatabaseAddress,
  definition: StoreDefinition,
  at: string,
  canonical: boolean,
): Promise<void> {
  const place = await openPlace(at);
  await exportStore({ address, definition, place, application: "bench", id: "ops" });
  const store = await openJsonStore({ place, definition, as: "follower" });
  if (canonical) await store.setState("following", "canonical");
  await store.close();
}

async function rates(options: StoreOptions<Record<string, Row>>) {
  const store = await openStore({ ...options, compare: "never" });
  try {
    const messages = (await store.list("Message", {}, { limit: 1_000 })).rows;
    let at = 0;
    // In another order than they lie in.
    const next = () => {
      at += 617;
      return messages[at % messages.length] as Row;
    };
    const made = () => ({ ...next(), id: randomUUID() });
    const work: Record<(typeof OPERATIONS)[number], () => Promise<unknown>> = {
      get: () => store.get("Message", { id: next().id ?? null }),
      "list of 100": () => store.list("Message", { chat_id: next().chat_id ?? null }, { limit: 100 }),
      put: () => store.put("Message", { ...next(), tokens: at }),
      append: () => store.append("Message", made()),
      "two rows in a transaction": () => twoRows(store, made()),
    };
    const measured = {} as Record<(typeof OPERATIONS)[number], number>;
    for (const operation of OPERATIONS) measured[operation] = await bySecond(work[operation]);
    return measured;
  } finally {
    await store.close();
  }
}

function twoRows(store: Store, message: Row): Promise<void> {
  return store.transaction(async (tx) => {
    const chat = await tx.get("Chat", { id: message.chat_id ?? null });
    if (chat === undefined) throw new Error("a message has no chat");
    await tx.append("Message", message);
    await tx.put("Chat", { ...chat, title: `Chat of ${String(message.id)}` });
  });
}

async function bySecond(work: () => Promise<unknown>): Promise<number> {
  // What is made once is not measured: sessions, indexes, what is kept in memory.
  await work();
  const began = performance.now();
  let times = 0;
  while (performance.now() - began < SECONDS * 1_000) {
    await work();
    times++;
  }
  return (times * 1_000) / (performance.now() - began);
}
