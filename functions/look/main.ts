/**
 * Look: what people are told of a database is read here, for the function that lets them in approves promotions as well,
 * and whoever approves must hold no credentials of a database. Who may know what has been asked before this is called.
 */
import * as z from "zod";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import type { LookReply } from "../ask-look.ts";
import { artifacts } from "../clients.ts";
import { borrowLedger, returnLedger } from "../kept-ledger.ts";
import { LOOKS, type LookKind } from "./looks.ts";

/** Bytes of an answer: the API wraps it in an answer of its own, which may have 6 MB as well. */
const LARGEST = 5 * 1024 * 1024;

const event = z.strictObject({ kind: z.enum(Object.keys(LOOKS) as LookKind[]), request: z.unknown() });

/** A refusal is answered with its code and facts; what was not foreseen fails the function. */
export const handler = invoked(async (asked: unknown): Promise<LookReply> => {
  try {
    const { kind, request } = event.parse(asked);
    const found = await look(kind, request);
    if (Buffer.byteLength(JSON.stringify(found)) > LARGEST)
      throw new RehearsalError("AnswerTooLarge", { what: `the answer to "${kind}"` });
    return { found };
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    const { code, facts } = toErrorRecord(error);
    return { refused: { code, facts } };
  }
});

async function look(kind: LookKind, request: unknown): Promise<NonNullable<LookReply["found"]>> {
  const ledger = await borrowLedger("look");
  try {
    return await LOOKS[kind](request, { ledger, store: artifacts() });
  } finally {
    await returnLedger(ledger);
  }
}
