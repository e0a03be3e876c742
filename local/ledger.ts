/**
 * What `rehearsal ledger` runs, as a process of its own, for the service may be what is lost: by the credentials and variables of the
 * operator's shell, here or in a deployment's function. A request on standard input, an answer or a refusal on standard output.
 */
import { text } from "node:stream/consumers";
import * as z from "zod";
import { ERRORS, type ErrorCode, type ErrorRecord, toErrorRecord } from "../core/errors.ts";
import { answerLedgerRequest } from "../functions/ledger-request.ts";
import { openFunctions } from "../io/lambda.ts";

const inputSchema = z.object({
  /** The function's name or ARN; without one it is done here. */
  function: z.string().optional(),
  request: z.looseObject({ do: z.string() }),
});

/** Milliseconds: as long as a function lives. */
const PATIENCE = 900_000;

/** Objects between two lines about how far it is. */
const TOLD_EVERY = 100;

async function answer(): Promise<unknown> {
  const { function: name, request } = inputSchema.parse(JSON.parse(await text(process.stdin)));
  if (name !== undefined) return openFunctions({ patience: PATIENCE }).ask(name, request);
  return answerLedgerRequest(request, (done, of) => {
    if (done % TOLD_EVERY === 0 || done === of) process.stderr.write(`object ${done} of ${of}\n`);
  });
}

/** What a function threw has only its name and its words left; its mend is in the catalogue. */
function recordOf(error: unknown): ErrorRecord {
  const [, code = "", message = ""] =
    /^the function ".*" threw (\w+): (.*)$/s.exec(error instanceof Error ? error.message : "") ?? [];
  if (!Object.hasOwn(ERRORS, code)) return toErrorRecord(error);
  const known = code as ErrorCode;
  const { hint } = ERRORS[known];
  return {
    code: known,
    message,
    hint: typeof hint === "string" ? hint : "docs/operations/ledger-rebuild.md tells what to do",
    facts: {},
  };
}

try {
  process.stdout.write(JSON.stringify({ answer: await answer() }));
} catch (error) {
  process.stdout.write(JSON.stringify({ refusal: recordOf(error) }));
}
