/** What a command fails with: an error of the catalogue, of its own or told by the service. */
import { ERRORS, type ErrorCode, toErrorRecord } from "../core/errors.ts";

/** A refusal as the command shows it, whoever refused. */
export interface Refusal {
  code: string;
  message: string;
  hint: string;
  facts: Record<string, unknown>;
}

/** A refusal that the service told. */
export class ServiceRefusal extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = refusal.code;
    this.refusal = refusal;
  }
}

/** Whatever was thrown, as a refusal. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof ServiceRefusal) return thrown.refusal;
  return toErrorRecord(thrown);
}

/** The exit code of a refusal; 1 for a code that only a newer service knows. */
export function exitOf({ code }: Pick<Refusal, "code">): number {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].exit : 1;
}
