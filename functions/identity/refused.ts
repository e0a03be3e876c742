/** Where a failed authorisation is written: of somebody who is known to the log, of nobody to the function's own. */
import type { Actor, Permission } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import type { Session } from "../../io/postgres/session.ts";
import { trySending } from "../outbox.ts";

export interface Refused {
  permission: Permission;
  /** `*` for what belongs to none; null where any would have done. */
  environment: string | null;
  method: string;
  /** As the OpenAPI document has it. */
  route: string;
}

/** Appends `access.refused`. It is about whoever asked, so it names the environment in its data alone. */
export async function tellRefused(ledger: Session, actor: Actor, refused: Refused): Promise<void> {
  const { person, credential } = actor;
  await ledger.transaction(async () => {
    await appendEvent(ledger, {
      type: "access.refused",
      data: { by: person, credential: `${credential.kind} ${credential.id}`, ...refused },
    });
  });
  await trySending(ledger);
}

/** One line of the function's log for a credential that is none. JSON keeps whatever was sent on that line. */
export function tellUnauthorized(error: unknown, { method, path }: { method: string; path: string }): void {
  if (!(error instanceof RehearsalError) || error.code !== "Unauthorized") return;
  console.error(
    JSON.stringify({ refused: error.code, reason: error.facts, method, path: path.slice(0, 200) }),
  );
}
