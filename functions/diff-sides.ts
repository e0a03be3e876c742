/** What the two names of a comparison mean: told from the ledger alone, by whoever asks what the asker may see. */
import * as z from "zod";
import { RehearsalError } from "../core/errors.ts";
import { readBackup } from "../io/ledger/backup-rows.ts";
import { listEnvironments } from "../io/ledger/environments.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import { findRelease, isKnownRelease } from "../io/ledger/releases.ts";
import type { Session } from "../io/postgres/session.ts";

/** A name, and whose shape it names: a database's as it is now, a promotion's, a kept one's, a release's as replayed. */
export const sideSchema = z.object({
  named: z.string(),
  of: z.union([
    z.object({ environment: z.string() }),
    z.object({ promotion: z.string(), before: z.boolean() }),
    z.object({ shape: z.string() }),
    z.object({ release: z.string() }),
  ]),
});

export type Side = z.infer<typeof sideSchema>;

/** Throws unless whoever asks may compare what is of that environment; `askedFor` is what a refusal may name. */
export type AssertMay = (environment: string, askedFor: { what: string; name: string }) => void;

/** Throws `NotFound` for a name that means nothing, `ShapeUnknown` for a backup that has no shape of its own. */
export async function sideOf(ledger: Session, named: string, assertMay: AssertMay): Promise<Side> {
  const environment = (await listEnvironments(ledger)).find(({ name }) => name === named);
  if (environment !== undefined) {
    // In the words for a name that means nothing.
    assertMay(environment.name, { what: "shape", name: named });
    return { named, of: { environment: environment.name } };
  }
  const [, promotion, when] = /^(p[0-9]{6}[0-9a-z]{8})(?::(before|after))?$/.exec(named) ?? [];
  if (promotion !== undefined) {
    const { environment } = await readPromotion(ledger, promotion);
    assertMay(environment, { what: "promotion", name: promotion });
    return { named, of: { promotion, before: when === "before" } };
  }
  if (/^b[0-9]{6}|^p[0-9]{6}[0-9a-z]{8}-/.test(named)) {
    const backup = await readBackup(ledger, named);
    assertMay(backup.environment, { what: "backup", name: named });
    if (backup.promotion === null)
      throw new RehearsalError("ShapeUnknown", {
        named,
        reason: "a backup taken by itself keeps its structure in its own archive alone",
      });
    return { named, of: { promotion: backup.promotion, before: true } };
  }
  if (/^[0-9a-f]{64}$/.test(named) && !(await isKnownRelease(ledger, named)))
    return { named, of: { shape: named } };
  if (!/^[0-9a-f]{4,64}$/.test(named)) throw new RehearsalError("NotFound", { what: "shape", name: named });
  return { named, of: { release: (await findRelease(ledger, named)).hash } };
}
