/** What a pipeline does not do, whatever roles its person has: a door before all routes, so that a new one is shut as well. */
import type { Actor, Permission } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";

/** What a pipeline that rehearses sends: a release, the promotion that rehearses alone, and its end; that it does, the routes ask. */
const REHEARSING = /^POST \/(releases|releases\/[^/]+|promotions|promotions\/[^/]+\/cancel)$/;

/** What hands out a credential, or says whose one is. */
const CREDENTIALS = /^\w+ \/(keys|people|issuers|sign-ins|sessions)(\/|$)/;

/** Throws `PipelineHeld`. */
export function assertPipelineMay(actor: Actor, method: string, path: string): void {
  const { pipeline, person } = actor;
  if (pipeline === undefined || method === "GET" || method === "HEAD") return;
  const call = `${method} ${path}`;
  if (CREDENTIALS.test(call))
    throw new RehearsalError("PipelineHeld", { person, may: "it hands out no credentials" });
  if (pipeline === "rehearses" && !REHEARSING.test(call))
    throw new RehearsalError("PipelineHeld", { person, may: "it uploads releases and rehearses them" });
}

/**
 * Throws `PipelineHeld` where a pipeline that rehearses would read what only whoever promotes may read: a backup's objects and
 * a task's files are production's rows, and it runs what nobody has merged.
 */
export function assertPipelineReads(
  { pipeline, person }: Actor,
  permission: Permission,
  method: string,
): void {
  if (pipeline !== "rehearses" || permission === "read") return;
  if (method === "GET" || method === "HEAD")
    throw new RehearsalError("PipelineHeld", { person, may: "it reads no production rows" });
}

/** Throws `PipelineHeld` where a promotion would go on behind its rehearsal, and the pipeline may not. */
export function assertRehearses({ pipeline, person }: Actor, rehearseOnly: boolean): void {
  if (pipeline === "rehearses" && !rehearseOnly)
    throw new RehearsalError("PipelineHeld", { person, may: "it rehearses alone: promote --rehearse-only" });
}
