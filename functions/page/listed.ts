/** What the console lists, gathered from the ledger: environments with what is known of them, backups with what one may do. */
import { may } from "../../core/access.ts";
import { type BackupRow, lastVerified } from "../../io/ledger/backup-rows.ts";
import { readDriftCheck } from "../../io/ledger/drift-checks.ts";
import { type Environment, listEnvironments } from "../../io/ledger/environments.ts";
import { listPromotions } from "../../io/ledger/promotions.ts";
import type { BackupRowView } from "../../web/console/backups.ts";
import type { ListedEnvironment } from "../../web/console/overview.ts";
import type { PageContext } from "./request.ts";

/** The environments that the actor may read. */
export async function readableEnvironments(c: PageContext): Promise<Environment[]> {
  const all = await listEnvironments(await c.var.ledger());
  return all.filter(({ name }) => may(c.var.actor, "read", name));
}

/** Their names, for whoever chooses one. */
export async function readableNames(c: PageContext): Promise<string[]> {
  return (await readableEnvironments(c)).map(({ name }) => name);
}

export async function listed(c: PageContext, environment: Environment): Promise<ListedEnvironment> {
  const ledger = await c.var.ledger();
  const { name, role, state, address, release, fingerprint } = environment;
  const [promotion = null] = await listPromotions(ledger, { environment: name, limit: 1, promoting: true });
  const verified = await lastVerified(ledger, name);
  const checked = await readDriftCheck(ledger, name);
  return {
    ...{ name, role, state, address, release, promotion },
    lastVerifiedBackup: verified ?? null,
    drift: checked === undefined ? null : { ...checked, overtaken: checked.promised !== fingerprint },
  };
}

export function listedBackup(c: PageContext, backup: BackupRow): BackupRowView {
  const { heldReason, heldBy } = backup;
  return {
    ...backup,
    held: heldReason === null ? null : { reason: heldReason, by: heldBy ?? "somebody" },
    mayVerify: may(c.var.actor, "promote", backup.environment),
  };
}
