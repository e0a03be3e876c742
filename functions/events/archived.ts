/**
 * Archived: an application says on the bus that a record was archived, or the API that it was told so. What was said is noted and
 * looked at in the database. What is no such word, or is about nothing that we know, changes nothing.
 */
import * as z from "zod";
import { insertArchiveEvents } from "../../io/ledger/archive-events.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { about } from "../../io/telemetry/about.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { log } from "../../io/telemetry/log.ts";
import { takeUp } from "../archived.ts";
import { postponed } from "../prune/turn.ts";

const plain = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((text) => !/\p{Cc}/u.test(text), "no control characters");

const event = z.object({
  id: plain(200),
  detail: z.union([
    z.strictObject({ environment: plain(200), policy: plain(200), record: plain(1_000) }),
    // Ours: what was told to the API is noted already.
    z.strictObject({ environment: plain(200) }),
  ]),
});

/** Tells which prunes began. */
export const handler = invoked(async (given: unknown): Promise<{ prunes: string[] }> => {
  const said = event.safeParse(given);
  if (!said.success) {
    // Coming again would not make it any better.
    log.warn("an event on the bus is no word of an archived record", {
      problems: z.prettifyError(said.error),
    });
    return { prunes: [] };
  }
  const { id, detail } = said.data;
  about({ environment: detail.environment });
  const ledger = await openLedger("archived");
  try {
    if ("record" in detail) await insertArchiveEvents(ledger, [{ source: "bus", id, ...detail }]);
    const prunes = await postponed(() => takeUp(ledger, detail.environment), []);
    return { prunes };
  } finally {
    await ledger.close();
  }
});
