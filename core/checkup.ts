/** What `rehearsal doctor` tells: one line for each thing that has to be so, and the mend where it is not. */
import * as z from "zod";
import { toErrorRecord } from "./errors.ts";

const CHECK_STATUSES = ["ok", "warning", "failed"] as const;

export const checkSchema = z.object({
  /** What was looked at, in a few words: the same at every run. */
  name: z.string(),
  /** `warning`: a promotion goes on, and somebody should know; `failed`: it would be refused, or not even begin. */
  status: z.enum(CHECK_STATUSES),
  /** What was found. */
  says: z.string(),
  /** What to do; null where nothing is to be done. */
  mend: z.string().nullable(),
});

export type Check = z.infer<typeof checkSchema>;

export const ok = (name: string, says: string): Check => ({ name, status: "ok", says, mend: null });
export const warning = (name: string, says: string, mend: string): Check => ({
  ...{ name, status: "warning", says, mend },
});
export const failed = (name: string, says: string, mend: string): Check => ({
  ...{ name, status: "failed", says, mend },
});

/** Does it, and says what it gives; what it throws has failed, with the catalogue's hint for a mend. */
export async function checked(name: string, work: () => Promise<string | Check>): Promise<Check> {
  try {
    const found = await work();
    return typeof found === "string" ? ok(name, found) : found;
  } catch (error) {
    const { message, hint } = toErrorRecord(error);
    return failed(name, message, hint);
  }
}

/** How far two clocks are apart, in milliseconds. Beyond `most` tokens and signed requests are refused. */
export function clockCheck(name: string, apart: number, whose: string, most = 30_000): Check {
  const seconds = `${(Math.abs(apart) / 1_000).toFixed(1)} s`;
  return Math.abs(apart) <= most
    ? ok(name, `${whose} are ${seconds} apart`)
    : warning(
        name,
        `${whose} are ${seconds} apart; tokens and signed requests may be refused`,
        'set the clock that is wrong by NTP: "timedatectl set-ntp true" where systemd keeps it',
      );
}
