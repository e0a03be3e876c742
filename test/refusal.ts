/** What a refused call said: its code and its hint, which tests assert together. */
import { RehearsalError } from "../core/errors.ts";

export interface Refusal {
  code: string;
  message: string;
  hint: string;
}

/** Runs the work and returns its refusal; anything else, success included, is thrown. */
export async function refusalOf(work: () => unknown): Promise<Refusal> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
  throw new Error("it was not refused");
}
