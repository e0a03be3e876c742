/** What every import asks of a request: what it reads, and who may name it; whether it writes, and where that is said twice. */
import { z } from "@hono/zod-openapi";
import { type ImportSourceName, importSourceSchema } from "../../core/import/source.ts";
import { type ApiContext, allow } from "./request.ts";
import { startedAnswers } from "./task.ts";

export const importAsked = {
  source: importSourceSchema,
  /** The environment's name once more; needed where its role is prod. */
  confirm: z.string().max(63).optional(),
  /** Everything is tried, and nothing stays. */
  dryRun: z.boolean().default(false),
};

export const importAnswers = startedAnswers(
  ...(["NotFound", "EnvironmentLocked", "ImportUnknown", "ImportReleaseMissing"] as const),
  ...(["ImportOverProd", "ImportSourceUnfit"] as const),
);

/** Whoever names a folder has the service's machine read it, as a policy's `file:` does. */
export function allowSource(c: ApiContext, environment: string, source: ImportSourceName): void {
  if ("folder" in source) allow(c, "administer", environment);
}
