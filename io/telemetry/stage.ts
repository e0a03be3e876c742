/** What tells this copy of the service from others in the same account, wherever it is measured or logged. */

export const SERVICE = "rehearsal";

/** The stage it was deployed as; `local` on one machine. */
export function stage(): string {
  return process.env.REHEARSAL_STAGE || "local";
}
