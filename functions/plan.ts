/** A plan: what a promotion would run, read from the release and the database, with nothing started or written. */
import type { ChangeNote } from "../core/change-notes.ts";
import { briefOf } from "../core/data-plan.ts";
import { parseDatabaseUrl } from "../core/database-url.ts";
import { needsFence } from "../core/fence.ts";
import type { Finding } from "../core/lint/lint.ts";
import type { Coverage } from "../core/plan-coverage.ts";
import { FUNCTION_SECONDS } from "../core/policy.ts";
import type { Run } from "../core/runs.ts";
import type { Statement } from "../core/statement.ts";
import { listBackups } from "../io/ledger/backup-rows.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { findRelease } from "../io/ledger/releases.ts";
import { lastSeconds } from "../io/ledger/steps.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { type Admission, examine } from "./admission.ts";
import { secrets } from "./clients.ts";
import { notesOf } from "./inventory.ts";
import type { PromotionRequest } from "./promotion-start.ts";
import { readRelease } from "./release.ts";
import { refuseSeedsOnProd } from "./seeds.ts";

/** As whoever asked is told: small and plain, for it travels from function to function. */
type Plan = ReturnType<typeof shown>;

interface Planned {
  environment: string;
  release: string;
  fingerprint: string;
  /** Whether production would be closed to writers. */
  fence: boolean;
  /** How production would go back after COMMIT; `seconds` are those of the newest restore, null where there was none or a swap needs none. */
  rollback: { by: "swap" | "restore"; seconds: number | null };
  /** By how many functions the backup would be taken, how long the last one took, and whether that is too near to a function's life. */
  backup: { functions: number; seconds: number | null; outlasts: boolean };
  runs: Run[];
  /** The data plans of what will run, and what of it has none though it is not additive. */
  coverage: Coverage;
  /** What the safety analysis finds in what will run. */
  findings: Finding[];
  /** What the files say of tables whose every change asks for a note. */
  notes: ChangeNote[];
}

/** Plans a promotion; throws what would refuse it at admission. */
export async function planPromotion(
  ledger: Session,
  store: ObjectStore,
  request: PromotionRequest,
): Promise<Plan> {
  const environment = await readEnvironment(ledger, request.environment);
  refuseSeedsOnProd(environment, request.seed);
  const { hash } = await findRelease(ledger, request.release);
  const project = await readRelease(store, hash);
  const address = parseDatabaseUrl(await secrets.readSecret(environment.secret));
  const session = await openSession(address, {
    application: `rehearsal plan ${environment.name}`,
    readOnly: true,
    statementTimeout: 20_000,
    patienceSeconds: 5,
  });
  let admission: Admission;
  try {
    admission = await examine(session, store, { environment, project, seed: request.seed });
  } finally {
    await session.close();
  }
  const { fingerprint, runs, coverage, findings } = admission;
  return shown({
    environment: environment.name,
    release: hash,
    fingerprint,
    fence: runs.length > 0 && needsFence(environment.policy, runs),
    rollback: await predictRollback(ledger, environment),
    backup: await predictBackup(ledger, environment),
    runs,
    coverage,
    findings,
    notes: notesOf(project, runs),
  });
}

async function predictRollback(ledger: Session, { name, policy }: Environment): Promise<Plan["rollback"]> {
  if (policy.rollback === "swap") return { by: "swap", seconds: null };
  const restored = (await listBackups(ledger, { environment: name, limit: 100 })).filter(
    ({ restoreSeconds }) => restoreSeconds !== null,
  );
  return { by: "restore", seconds: restored[0]?.restoreSeconds ?? null };
}

/** Part of a function's life that the last backup may have taken of it: the database grows, and is busier at other times. */
const SAFE = 2 / 3;

async function predictBackup(ledger: Session, { name, policy }: Environment): Promise<Plan["backup"]> {
  const seconds = await lastSeconds(ledger, name, "back-up");
  const outlasts = policy.compute === "lambda" && seconds !== null && seconds > SAFE * FUNCTION_SECONDS;
  return { functions: policy.backup.functions, seconds, outlasts };
}

/** The path of the plan of that migration, when it names the statement. */
function coveringPlan(
  { plans }: Coverage,
  migration: number | null,
  { fingerprint }: Pick<Statement, "fingerprint">,
): string | null {
  const plan = plans.find(({ version }) => version === migration);
  return plan?.statements.some((one) => one.fingerprint === fingerprint) ? plan.path : null;
}

/** Statement by statement: what each is, and which plan covers it. */
function shown({ runs, coverage, ...plan }: Planned) {
  return {
    ...plan,
    plans: coverage.plans.map(briefOf),
    runs: runs.map(({ transactional, items }) => ({
      transactional,
      sliced: items.some(({ batch }) => batch !== undefined),
      files: items.map(({ kind, path, version, idempotent, statements }) => ({
        kind,
        path,
        idempotent,
        statements: statements.map((statement) => ({
          line: statement.line,
          class: statement.class,
          summary: statement.summary,
          locks: statement.locks,
          fingerprint: statement.fingerprint,
          plan: coveringPlan(coverage, version, statement),
          unplanned: coverage.unplanned.some(
            (one) => one.path === path && one.statement.index === statement.index,
          ),
        })),
      })),
    })),
  };
}
