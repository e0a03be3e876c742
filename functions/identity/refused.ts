/** Where a failed authorisation is written: of somebody who is known to the log, of nobody to the function's own. */
import { type Actor, EVERYWHERE, may, type Permission, rolesWith } from "../../core/access.ts";
import { type ErrorCode, RehearsalError } from "../../core/errors.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import type { Session } from "../../io/postgres/session.ts";
import { log } from "../../io/telemetry/log.ts";
import { A_PERSON_WAITS, trySending } from "../outbox.ts";

export interface Refused {
  code: ErrorCode;
  /** Null where it was not for want of one. */
  permission: Permission | null;
  /** `*` for what belongs to none; null where any would have done, or the code tells. */
  environment: string | null;
  method: string;
  /** As the OpenAPI document has it. */
  route: string;
}

/** The refusal for want of a permission: in that environment, in all of them for `*`, in any for null. */
export function forbidden(
  { person }: Actor,
  permission: Permission,
  environment: string | null,
): RehearsalError<"Forbidden"> {
  const where = environment === EVERYWHERE ? "all environments" : (environment ?? "any environment");
  const roles = rolesWith(permission).join(" or ");
  return new RehearsalError("Forbidden", { person, permission, environment: where, roles });
}

/** What was refused for other reasons than a permission. */
const OTHERS: readonly ErrorCode[] = [
  "ApproverNotNamed",
  "Forbidden",
  "OwnApproval",
  "PipelineHeld",
  "ScopeTooWide",
];

/** What belongs to an environment, and is hidden with it. */
const HIDDEN = new Set(["environment", "promotion", "task", "backup", "shape"]);

/**
 * What of an error is a failed authorisation that has not been noted yet; undefined for any other. To somebody from whom
 * things are hidden a guess at what is nowhere counts as well: it is told alike, and takes as long.
 */
export function refusalBy(
  error: unknown,
  { actor, ...at }: Pick<Refused, "method" | "route"> & { actor: Actor },
): Refused | undefined {
  if (!(error instanceof RehearsalError)) return undefined;
  const { code } = error;
  const guessed =
    code === "NotFound" &&
    HIDDEN.has((error.facts as { what: string }).what) &&
    !may(actor, "read", EVERYWHERE);
  if (!guessed && !OTHERS.includes(code)) return undefined;
  return { code, permission: null, environment: null, ...at };
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
  await trySending(ledger, A_PERSON_WAITS);
}

const UNAUTHENTICATED = new Set<ErrorCode>([
  "Unauthorized",
  "TokenRefused",
  "IdentityUnknown",
  "PipelineUntrusted",
  "TooManyRequests",
]);

/** One line of the function's log for a credential that is none. */
export function tellUnauthorized(error: unknown, { method, path }: { method: string; path: string }): void {
  if (!(error instanceof RehearsalError) || !UNAUTHENTICATED.has(error.code)) return;
  log.warn("refused", { code: error.code, reason: error.facts, method, path: path.slice(0, 200) });
}
