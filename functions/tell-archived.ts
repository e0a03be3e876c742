/** What an application tells the API of archived records: noted, each word once, and taken up by the function that reaches databases; the API does not. */
import { RehearsalError } from "../core/errors.ts";
import { insertArchiveEvents } from "../io/ledger/archive-events.ts";
import { newCredentialId } from "../io/new-id.ts";
import type { Session } from "../io/postgres/session.ts";
import { log } from "../io/telemetry/log.ts";
import { eventBus, requiredVariable } from "./clients.ts";

interface Word {
  policy: string;
  record: string;
  /** The teller's name for it, which tells a repetition. */
  id?: string;
}

/** Notes what was told to the API, and has it taken up at once; returns how many words were new. */
export async function tellArchived(
  ledger: Session,
  environment: string,
  words: readonly Word[],
): Promise<number> {
  const noted = await insertArchiveEvents(
    ledger,
    words.map(({ policy, record, id = newCredentialId() }) => ({
      ...{ source: `api ${environment}`, id, environment, policy, record },
    })),
  );
  try {
    await eventBus.putEvents(requiredVariable("REHEARSAL_EVENT_BUS"), [
      { source: "rehearsal", detailType: "record.archived", detail: { environment } },
    ]);
  } catch (error) {
    // It is noted: by the clock it is taken up all the same.
    if (!(error instanceof RehearsalError)) throw error;
    log.warn("what was told waits for the clock", { reason: error.message });
  }
  return noted;
}
