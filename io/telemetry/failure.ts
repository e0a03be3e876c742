/** How the failure of an invocation is told. */
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { log } from "./log.ts";

/** What the catalogue knows is dealt with by whoever asked; anything else is nobody's but an operator's. */
export function tellFailure(error: unknown): void {
  if (error instanceof RehearsalError && error.code !== "Internal")
    log.warn("failed", { error: toErrorRecord(error) });
  else log.error("failed", { error: error instanceof Error ? error : String(error) });
}
