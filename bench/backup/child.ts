/** One backup, restore or baseline in a process of its own, so that its memory is its own: `node child.ts '{…}'` prints one line of JSON. */
import { type BackupManifest, parseManifest } from "../../core/backup-manifest.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { type ObjectStore, openObjectStore } from "../../io/object-store.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { restore } from "../../io/postgres/restore.ts";
import { onDatabase } from "../database.ts";

export interface Task {
  kind: "backup" | "restore" | "baseline";
  /** The source, or the empty target of a restore. */
  address: DatabaseAddress;
  bucket: string;
  prefix: string;
  /** Of the backup that a new one is to build on. */
  base?: string;
  connections: number;
}

export interface Outcome {
  seconds: number;
  /** From the first byte of rows to the last row. */
  dataSeconds: number;
  /** The most memory the process ever held. */
  peakBytes: number;
  /** Of the process, not of the server. */
  cpuSeconds: number;
  /** COPY text. */
  rawBytes: number;
  storedBytes: number;
}

async function carryOut(task: Task): Promise<Outcome> {
  const store = openObjectStore({ bucket: task.bucket });
  const began = performance.now();
  let first: number | undefined;
  let last = began;
  const manifest = await run(task, store, () => {
    last = performance.now();
    first ??= last;
  });
  const seconds = (performance.now() - began) / 1000;
  store.close();
  const used = process.resourceUsage();
  const objects = manifest === undefined ? [] : [...manifest.data, ...manifest.largeObjects, manifest.toc];
  return {
    seconds,
    dataSeconds: (last - (first ?? last)) / 1000,
    peakBytes: used.maxRSS * 1024,
    cpuSeconds: (used.userCPUTime + used.systemCPUTime) / 1e6,
    rawBytes: (manifest?.data ?? []).reduce((sum, object) => sum + object.rawBytes, 0),
    storedBytes: objects.reduce((sum, object) => sum + object.size, 0),
  };
}

async function run(
  { kind, address, prefix, base, connections }: Task,
  store: ObjectStore,
  onProgress: () => void,
): Promise<BackupManifest | undefined> {
  const common = { application: "bench", store, connections, onProgress };
  if (kind === "backup") {
    const earlier = base === undefined ? undefined : parseManifest(await store.get(`${base}manifest.json`));
    return backUp({ ...common, source: address, prefix, ...(earlier && { base: earlier }) });
  }
  if (kind === "restore") {
    const manifest = parseManifest(await store.get(`${prefix}manifest.json`));
    await restore({ ...common, target: address, manifest });
    return manifest;
  }
  await onDatabase(address, (session) => readBaseline(session, { onProgress }));
  return undefined;
}

console.log(JSON.stringify(await carryOut(JSON.parse(process.argv[2] ?? ""))));
