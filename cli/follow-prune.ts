/** Follows a prune to its end: how far it is while somebody looks, and what came of each of its records. */
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "./client.ts";
import type { Context, Outcome } from "./command.ts";
import { EVERY, patiently } from "./follow.ts";
import { everyPage } from "./paging.ts";
import { isOver, type Prune, type PruneRecord, prune, pruneRecords } from "./prune-answers.ts";
import { describePrune } from "./prune-text.ts";
import { exitOf } from "./refusal.ts";
import { duration, rows } from "./text.ts";

const pathOf = (id: string) => `/prunes/${encodeURIComponent(id)}`;

/** Looks until it has ended, and tells it with its records. */
export async function followPrune(context: Context, id: string): Promise<Outcome> {
  const { terminal } = context;
  const stopped = terminal.whenInterrupted(
    `${id} goes on by itself; follow it again with: rehearsal watch ${id}`,
  );
  try {
    const look = patiently(context, (client) => client.get(pathOf(id), prune));
    for (;;) {
      const found = await look();
      if (isOver(found)) return await toldWhole(context, found);
      const since = Date.parse(found.startedAt ?? found.createdAt);
      const { records, rows: gone } = found.counts;
      const parts = [found.mode, duration(Math.max(0, Date.now() - since)), `${records} records`];
      terminal.live([...parts, ...(gone > 0 ? [rows(gone)] : [])].join("  "));
      await pause(EVERY);
    }
  } finally {
    stopped();
    terminal.live("");
  }
}

/** Follows what was started, unless the person does not want to wait. */
export async function followPruneUnless(context: Context, started: Prune, watch: boolean): Promise<Outcome> {
  const title = `${started.id}: ${started.mode} ${started.policy} of ${started.environment}`;
  if (!watch) {
    const value = { ...started, records: [] };
    return { value, text: `${title}\nfollow it with: rehearsal watch ${started.id}` };
  }
  context.terminal.err(title);
  return followPrune(context, started.id);
}

/** A prune with all of its records, and the exit code it ended with. */
export async function toldWhole(context: Context, found: Prune): Promise<Outcome> {
  const records = await recordsOf(await context.client(), found.id);
  return {
    value: { ...found, records },
    text: describePrune(found, records),
    exit: exitOfPrune(found, records),
  };
}

async function recordsOf(client: Client, id: string): Promise<PruneRecord[]> {
  return everyPage(client, `${pathOf(id)}/records`, pruneRecords, (page) => page.records);
}

/**
 * 0 when it did what was asked for. What was refused or failed has the exit code of its reason; a prune that only told, though
 * it was to delete, waits for somebody to allow it.
 */
function exitOfPrune({ status, error }: Prune, records: readonly PruneRecord[]): number {
  if (status === "refused" || status === "failed") return error === null ? 1 : exitOf(error);
  const failed = records.find((one) => one.status === "failed");
  if (failed !== undefined) return failed.error === null ? 1 : exitOf(failed.error);
  return 0;
}
