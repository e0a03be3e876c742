/** What may run on an environment and what would: found out by reading alone, for the plan as for the promotion itself. */
import { withoutIgnored } from "../core/drift.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Finding } from "../core/lint/lint.ts";
import { type AppliedMigration, pendingMigrations } from "../core/pending.ts";
import type { Coverage } from "../core/plan-coverage.ts";
import type { Project } from "../core/project.ts";
import { changedRepeatables, type Repeatable, type Run } from "../core/runs.ts";
import { describeDifference, diffShapes, fingerprint, type Shape } from "../core/shape.ts";
import type { StorageArea } from "../core/storage.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { assertRoom } from "../io/postgres/disk-room.ts";
import { assertDumpable } from "../io/postgres/dump/dumpable.ts";
import { assertDirect } from "../io/postgres/pooler.ts";
import { assertRights } from "../io/postgres/rights.ts";
import type { Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { type AppliedFile, assertIdentity, readApplied, readIdentity } from "../io/postgres/target-schema.ts";
import { refuseFiles } from "./configuration.ts";
import { assertPlanned, holdsTables, pendingPlans } from "./data-plan.ts";
import { copiesFor } from "./determinism.ts";
import { assertDeclared } from "./inventory.ts";
import { lintPending } from "./lint.ts";
import { runsOf } from "./release.ts";
import { refuseSeedsOnProd } from "./seeds.ts";
import { readKeptShape } from "./shapes.ts";
import { assertSquashesProved } from "./squash-proof.ts";
import { assertStorage, guardedAreas } from "./storage.ts";
import { assertRole } from "./workspace.ts";

interface Candidate {
  environment: Environment;
  project: Project;
  seed: boolean;
}

export interface Admission {
  /** The paths that will run; empty when the environment has all of the release. */
  pending: string[];
  runs: Run[];
  /** The shape that everything after rests on. */
  fingerprint: string;
  /** The data plans of what will run, and what of it has none. */
  coverage: Coverage;
  /** What the safety analysis found in what will run. */
  findings: Finding[];
  /** The prefixes whose objects are guarded. */
  storageAreas: StorageArea[];
  /** Prefixes that the inventory names and nobody guards, because the policy names no bucket. */
  unguarded: string[];
}

/**
 * Holds a candidate against its database: it is reached without a pooler, it can be backed up, it is who it says, our role may do what is needed, there is room for its copies, applied files are
 * unchanged, and nobody changed the shape by hand. Throws the first refusal; writes nothing.
 */
export async function examine(
  session: Session,
  store: ObjectStore,
  { environment, project, seed }: Candidate,
): Promise<Admission> {
  refuseSeedsOnProd(environment, seed);
  await assertDirect(session);
  await assertDumpable(session.major, environment.policy.pgDump);
  assertIdentity(await readIdentity(session), environment);
  await assertRights(session);
  await assertStorage(environment.policy);
  refuseFiles(environment.policy);
  assertDeclared(environment, project);
  await assertRole(environment, project.inventory);
  const applied = await readApplied(session);
  const pending = pendingFiles(project, applied, seed);
  await assertRoom(session, environment.policy.disk, copiesFor(pendingPlans(project, pending)));
  const whole = await readShape(session);
  const shape = await refuseDrift(whole, store, environment);
  const populated = applied.length > 0 || holdsTables(whole);
  await assertSquashesProved(store, environment.name, project, migrationsOf(applied), populated);
  const coverage = assertPlanned(environment, project, pending, whole);
  return {
    pending,
    runs: runsOf(project, pending, seed),
    fingerprint: fingerprint(shape),
    coverage,
    findings: await lintPending(session, environment, project, pending, coverage.plans),
    storageAreas: guardedAreas(environment.policy, project.inventory),
    unguarded:
      environment.policy.storage === undefined ? project.inventory.storage.map(({ prefix }) => prefix) : [],
  };
}

function migrationsOf(applied: readonly AppliedFile[]): AppliedMigration[] {
  return applied.flatMap(({ path, version, sha256 }) =>
    version === null ? [] : [{ path, version, sha256 }],
  );
}

/** The paths that will run; throws when an applied file is not the one that was applied. */
function pendingFiles(project: Project, applied: readonly AppliedFile[], seed: boolean): string[] {
  const migrations = pendingMigrations(project.migrations, migrationsOf(applied));
  const repeatables = [project.views, seed ? project.seeds : []].flatMap((files: readonly Repeatable[]) =>
    changedRepeatables(files, applied),
  );
  return [...migrations, ...repeatables].map((file) => file.path);
}

/** Throws `DriftFound` unless the database has the shape the ledger promises; returns it. */
async function refuseDrift(whole: Shape, store: ObjectStore, environment: Environment): Promise<Shape> {
  const shape = withoutIgnored(whole, environment.policy.drift.ignore);
  if (fingerprint(shape) === environment.fingerprint) return shape;
  // What the policy ignores may have been promised before it did.
  const promised = withoutIgnored(
    await readKeptShape(store, environment.fingerprint),
    environment.policy.drift.ignore,
  );
  const differences = diffShapes(promised, shape).map(describeDifference);
  if (differences.length === 0) return shape;
  throw new RehearsalError("DriftFound", {
    environment: environment.name,
    differences:
      differences.slice(0, 5).join("; ") +
      (differences.length > 5 ? ` and ${differences.length - 5} more` : ""),
  });
}
