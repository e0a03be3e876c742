/** The one catalogue of what can go wrong: every refusal the product utters has a code, a fact, a mend, a status and an exit code here. */

type Facts = Record<string, unknown>;

interface Entry<F extends Facts> {
  /** A lower-case fact, no full stop. */
  message: (facts: F) => string;
  /** The mend: what the operator does next. */
  hint: string | ((facts: F) => string);
  /** HTTP status when it leaves through the API. */
  status: 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503;
  /** Exit code of the command: 1 failed and production safe, 2 usage, 3 drift or pending, 4 approval needed, 5 locked, 6 operator needed. */
  exit: 1 | 2 | 3 | 4 | 5 | 6;
  /** True when the same step may simply be tried again. */
  retryable?: true;
}

const entry = <F extends Facts = Record<never, never>>(value: Entry<F>): Entry<F> => value;

export const ERRORS = {
  // --- usage and doors -------------------------------------------------------------------------
  InputInvalid: entry<{ what: string; problems: string }>({
    message: (f) => `${f.what} is not valid: ${f.problems}`,
    hint: "correct the named fields and send it again",
    status: 400,
    exit: 2,
  }),
  NotFound: entry<{ what: string; name: string }>({
    message: (f) => `there is no ${f.what} "${f.name}"`,
    hint: (f) => `list what there is with the matching "list" command for ${f.what}s`,
    status: 404,
    exit: 2,
  }),
  Unauthorized: entry<{ reason: string }>({
    message: (f) => `the request carries no usable credential: ${f.reason}`,
    hint: 'set REHEARSAL_KEY, or start the local stack with "npm run dev", which writes one',
    status: 401,
    exit: 2,
  }),
  Internal: entry<{ reason: string }>({
    message: (f) => `an unforeseen failure: ${f.reason}`,
    hint: "this is a defect of Rehearsal; the promotion's log says what was done until then",
    status: 500,
    exit: 1,
  }),
  // --- database --------------------------------------------------------------------------------
  DatabaseUnreachable: entry<{ database: string; reason: string }>({
    message: (f) => `could not connect to "${f.database}": ${f.reason}`,
    hint: "check that the server runs, the address and the password, and that it accepts this network",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  StatementFailed: entry<{ sqlstate: string; reason: string; statement: string }>({
    message: (f) => `the server refused a statement (${f.sqlstate}): ${f.reason} in: ${f.statement}`,
    hint: "the statement is the cause; mend it in a new release",
    status: 409,
    exit: 1,
  }),
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type FactsOf<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]["message"]>[0];

/** A refusal from the catalogue. `name` is the code, so that Step Functions can match it and minifying cannot change it. */
export class RehearsalError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly facts: FactsOf<C>;
  readonly hint: string;
  readonly status: number;
  readonly exit: number;
  readonly retryable: boolean;

  constructor(code: C, facts: FactsOf<C>, options?: { cause?: unknown }) {
    const known = ERRORS[code] as unknown as Entry<Facts>;
    super(known.message(facts as Facts), options);
    this.name = code;
    this.code = code;
    this.facts = facts;
    this.hint = typeof known.hint === "string" ? known.hint : known.hint(facts as Facts);
    this.status = known.status;
    this.exit = known.exit;
    this.retryable = known.retryable === true;
  }
}

/** What survives a wire (Lambda's reply, Step Functions' Cause, the ledger): plain values only. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint: string;
  facts: Facts;
}

/** Turns anything thrown into a record; what is not from the catalogue becomes `Internal`. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const known =
    thrown instanceof RehearsalError
      ? thrown
      : new RehearsalError(
          "Internal",
          { reason: thrown instanceof Error ? thrown.message : String(thrown) },
          { cause: thrown },
        );
  return { code: known.code, message: known.message, hint: known.hint, facts: known.facts as Facts };
}

/** The codes after which a step may simply be tried again: the workflow's Retry blocks name exactly these. */
export function retryableCodes(): ErrorCode[] {
  return (Object.keys(ERRORS) as ErrorCode[]).filter(
    (code) => (ERRORS[code] as unknown as Entry<Facts>).retryable === true,
  );
}
