/** Starts a promotion when its turn has come, and looks on until it has ended: for somebody who is not there to decide. */
import { setTimeout as pause } from "node:timers/promises";
import { isEnded } from "../../core/steps.ts";
import { type Detail, detail, promotion } from "../answers.ts";
import type { Context } from "../command.ts";
import { patiently } from "../follow.ts";
import { stepCells } from "../promotion-text.ts";
import { refusalOf, ServiceRefusal } from "../refusal.ts";
import { columns, plain } from "../text.ts";
import { whenStopped } from "./when-stopped.ts";

/** Milliseconds between two looks, and between two tries to begin. */
const EVERY = 1_000;
const AGAIN_AFTER = 10_000;

interface Wanted {
  environment: string;
  release: string;
  rehearseOnly: boolean;
  /** The same for every try to send this. */
  key: string;
  /** Until when a turn and an approval are waited for: an instant of `performance.now()`. */
  deadline: number;
  /** The page of a promotion. */
  page(id: string): Promise<string>;
}

/**
 * The promotion as it ended, or as it stood when nobody had decided by the deadline. A rehearsal that gave way begins
 * again. Throws `EnvironmentLocked` when its turn did not come in time, and whatever else the service refuses.
 */
export async function promoteInTurn(context: Context, wanted: Wanted): Promise<Detail> {
  let begun: string | undefined;
  // Nobody waits for what a rehearsal finds when its job is stopped; a promotion goes on.
  const stopped = whenStopped(async () => {
    if (begun !== undefined && wanted.rehearseOnly) await cancel(context, begun);
  });
  try {
    for (let round = 1; ; round++) {
      begun = await begin(context, wanted, round);
      context.terminal.err(`${begun}: ${await wanted.page(begun)}`);
      const found = await watch(context, wanted, begun);
      const gaveWay = found.status === "refused" && found.error?.code === "RehearsalOvertaken";
      if (!gaveWay || performance.now() > wanted.deadline) return found;
      context.terminal.err(`${plain(found.error?.message ?? "")}; it begins again when its turn comes`);
      begun = undefined;
    }
  } finally {
    stopped();
  }
}

async function cancel({ client, terminal }: Context, id: string): Promise<void> {
  try {
    await (await client()).post(`/promotions/${encodeURIComponent(id)}/cancel`, {}, promotion);
    terminal.err(`${id}: cancelled, for the job was stopped`);
  } catch (error) {
    terminal.err(`${id} goes on though the job was stopped: ${plain(refusalOf(error).message)}`);
  }
}

async function begin(context: Context, wanted: Wanted, round: number): Promise<string> {
  const { environment, release, rehearseOnly, key } = wanted;
  const client = await context.client();
  const body = { environment, release, seed: false, rehearseOnly };
  const header = { "idempotency-key": `${key} ${round}`.slice(-200) };
  let told = false;
  for (;;) {
    try {
      return (await client.post("/promotions", body, promotion, header)).id;
    } catch (error) {
      const locked = error instanceof ServiceRefusal && error.refusal.code === "EnvironmentLocked";
      if (!locked || performance.now() + AGAIN_AFTER > wanted.deadline) throw error;
      if (!told) context.terminal.err(`${plain(error.message)}; waiting for its turn`);
      told = true;
      await pause(AGAIN_AFTER);
    }
  }
}

async function watch(context: Context, { deadline, page }: Wanted, id: string): Promise<Detail> {
  const ask = patiently(context, (client) => client.get(`/promotions/${encodeURIComponent(id)}`, detail));
  const told = new Set<string>();
  for (;;) {
    const found = await ask();
    for (const attempt of found.steps) {
      const name = `${attempt.step} ${attempt.attempt}`;
      if (attempt.status === "running" || told.has(name)) continue;
      told.add(name);
      context.terminal.err(columns([stepCells(attempt)]));
    }
    if (isEnded(found.status)) return found;
    if (found.status === "waiting") {
      if (performance.now() > deadline) return found;
      if (!told.has("waiting")) context.terminal.err(`${id} waits for an approval: ${await page(id)}`);
      told.add("waiting");
    }
    await pause(EVERY);
  }
}
