/** The workspace's role and state files beside a promotion: they have to agree with it, and the state follows it. */
import { covers } from "../core/configuration.ts";
import { type ErrorRecord, RehearsalError, toErrorRecord } from "../core/errors.ts";
import { type Inventory, placeIn, type WorkspaceFile } from "../core/inventory.ts";
import type { Policy } from "../core/policy.ts";
import { isEnded } from "../core/steps.ts";
import {
  readRole,
  readStateFile,
  type StateFile,
  type WorkspaceState,
  writeStateFile,
} from "../core/workspace.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { NewEvent } from "../io/ledger/events.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import type { Session } from "../io/postgres/session.ts";
import { changeWorkspaceFile, readWorkspaceFile } from "../io/workspace-file.ts";
import type { StepContext } from "./step.ts";

/** Throws `WorkspaceRoleMismatch` unless the role file, where one is declared, says the environment's role. */
export async function assertRole(environment: Environment, inventory: Inventory): Promise<void> {
  const { roleFile } = inventory.state;
  if (roleFile === undefined) return;
  const at = reachable(roleFile, { environment, policy: environment.policy });
  const text = await readWorkspaceFile(at);
  const found = text === undefined ? undefined : readRole(text);
  const { name, role } = environment;
  if (found === role) return;
  throw new RehearsalError("WorkspaceRoleMismatch", {
    at,
    // What else stands there may be anything, and is not repeated.
    found:
      found === undefined ? "is not there" : /^[a-z]{1,20}$/.test(found) ? `says ${found}` : "says no role",
    environment: name,
    role,
  });
}

/**
 * Marks the state file, where one is declared, as provisional for this promotion; returns where it is. Throws
 * `WorkspaceStateMismatch` when it says another state than the ledger, or that another promotion runs.
 */
export async function enterWorkspace(
  context: StepContext,
  inventory: Inventory,
): Promise<string | undefined> {
  const { promotion, environment } = context;
  const { stateFile } = inventory.state;
  if (stateFile === undefined) return undefined;
  const at = reachable(stateFile, { environment, policy: promotion.policy });
  const found = understood(at, await readWorkspaceFile(at));
  if (found !== undefined && !(await agrees(context, found)))
    throw new RehearsalError("WorkspaceStateMismatch", {
      at,
      found: found.promotion === undefined ? found.state : `${found.state}, for another promotion`,
      environment: environment.name,
      state: promotion.stateBefore,
    });
  await changeWorkspaceFile(at, (text) => writeStateFile(understood(at, text), "provisional", promotion.id));
  return at;
}

/**
 * The promotion is over: the file, where this promotion marked it, has that state. Done, too, when an earlier attempt did
 * it. What keeps it from being written is returned, for the database stands as it does.
 */
export async function leaveWorkspace(
  context: StepContext,
  state: WorkspaceState,
): Promise<ErrorRecord | undefined> {
  const { promotion } = context;
  try {
    const at = await stateFileOf(context);
    if (at === undefined) return undefined;
    await changeWorkspaceFile(at, (text) => {
      const found = understood(at, text);
      if (found?.promotion === promotion.id) return writeStateFile(found, state);
      if (found === undefined || found.state === state || promotion.facts.workspace === undefined)
        return undefined;
      throw new RehearsalError("WorkspaceFileUnusable", {
        at,
        reason: `it does not say any more that ${promotion.id} runs`,
      });
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.retryable) throw error;
    // Admit was refused at this very file, or before it, so nothing was marked; else the next promotion mends it.
    return promotion.facts.workspace === undefined ? undefined : toErrorRecord(error);
  }
}

/** The event that calls for somebody to mend the file. */
export function workspaceNotLeft(failure: ErrorRecord | undefined): NewEvent[] {
  if (failure === undefined) return [];
  const { code, message, hint } = failure;
  return [{ type: "promotion.workspace-not-left", announce: true, data: { code, message, hint } }];
}

/** As admit noted it; where admit died before it could, as the release says. */
async function stateFileOf({ promotion, environment, store }: StepContext): Promise<string | undefined> {
  if (promotion.facts.workspace !== undefined) return promotion.facts.workspace;
  if (promotion.facts.production !== undefined) return undefined;
  // Loaded on first use, for it brings the SQL parser, and the steps at the end need none.
  const { readRelease } = await import("./release.ts");
  const { inventory } = await readRelease(store, promotion.release);
  const { stateFile } = inventory.state;
  return stateFile && reachable(stateFile, { environment, policy: promotion.policy });
}

/** What the ledger says, or what a promotion left that it knows to have ended. */
async function agrees({ ledger, promotion }: StepContext, found: StateFile): Promise<boolean> {
  if (found.promotion === promotion.id) return true;
  if (found.promotion === undefined) return found.state === promotion.stateBefore;
  return hasEnded(ledger, found.promotion);
}

async function hasEnded(ledger: Session, id: string): Promise<boolean> {
  try {
    return isEnded((await readPromotion(ledger, id)).status);
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "NotFound") return false;
    throw error;
  }
}

function understood(at: string, text: string | undefined): StateFile | undefined {
  if (text === undefined) return undefined;
  const found = readStateFile(text);
  if (typeof found === "string") throw new RehearsalError("WorkspaceFileUnusable", { at, reason: found });
  return found;
}

/**
 * A release says where the file is, and the policy, which is the operator's, has to name it among what it captures: else a
 * release could have anything written that the service may write. Files are reached only where the service runs beside them.
 */
function reachable(declared: WorkspaceFile, { environment, policy }: Workspace): string {
  const at = placeIn(declared.at, environment);
  const refuse = (reason: string) => new RehearsalError("WorkspaceFileUnusable", { at, reason });
  if (!policy.configuration.some((item) => covers(item, at)))
    throw refuse("the policy's configuration does not name it, so no release may keep it");
  if (at.startsWith("file:") && process.env.REHEARSAL_FILES !== "here")
    throw refuse("the service does not run on your machine; keep it in a bucket");
  return at;
}

/** An environment and the policy that its promotion began with. */
interface Workspace {
  environment: Pick<Environment, "name" | "role">;
  policy: Pick<Policy, "configuration">;
}
