/** What the API and the console want to know of a database, asked of the function that may reach one: they may not themselves. */
import { type ErrorRecord, fromErrorRecord } from "../core/errors.ts";
import { functions, requiredVariable } from "./clients.ts";
import type { LookAnswer, LookKind, LookRequest } from "./look/looks.ts";

/**
 * Whoever calls this has asked before what the person may. Throws what the look refuses, in its own code and facts, and
 * what `ask` of io/lambda.ts throws.
 */
export async function askLook<K extends LookKind>(kind: K, request: LookRequest<K>): Promise<LookAnswer<K>> {
  const reply = await functions.ask(requiredVariable("REHEARSAL_LOOK_FUNCTION"), { kind, request });
  const { refused, found } = reply as LookReply<K>;
  if (refused === undefined) return found;
  throw fromErrorRecord(refused) ?? new Error(`look refused with "${refused.code}", which is not known here`);
}

/** What `look` answers: a refusal is an answer as well, for a failure of the function would have no facts. */
export type LookReply<K extends LookKind = LookKind> =
  | { found: LookAnswer<K>; refused?: undefined }
  | { found?: undefined; refused: Pick<ErrorRecord, "code" | "facts"> };
