/**
 * Adopt: a database that another tool has migrated becomes one that is promoted. What the tool's history says is believed
 * only where a replay of the same migrations makes the same shape; nothing but the record of them is written.
 */
import { baselinePrefix, claimedPrefix, firstOf, repeatableChoices } from "../../core/adoption.ts";
import { comparableShape, type OwnedObjects } from "../../core/adoption-shape.ts";
import { RehearsalError } from "../../core/errors.ts";
import { HISTORY_TOOLS, type HistoryTool } from "../../core/formats/history-tools.ts";
import type { Migration } from "../../core/migration.ts";
import type { Project } from "../../core/project.ts";
import { describeDifference, diffShapes, type Shape } from "../../core/shape.ts";
import type { SqlFile } from "../../core/sql-file.ts";
import { tracelessEnd } from "../../core/traceless.ts";
import { type Environment, lockEnvironment, replaceEnvironment } from "../../io/ledger/environments.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { overtakeRehearsals } from "../../io/ledger/rehearsals.ts";
import { forgetAdopted, recordAdopted } from "../../io/postgres/adopt.ts";
import { findOwned, readHistory } from "../../io/postgres/history/histories.ts";
import { assertDirect } from "../../io/postgres/pooler.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { assertIdentity, readApplied, readIdentity } from "../../io/postgres/target-schema.ts";
import { refuseLocked } from "../fenced.ts";
import { readGuardedShape } from "../guarded-shape.ts";
import { readReleaseFiles } from "../release.ts";
import { withReplay } from "../replay.ts";
import { keepShape } from "../shapes.ts";
import { openEnvironment, type TaskContext, type TaskWork } from "../task.ts";
import { whereTaskReplays } from "../task-replay.ts";

export const adoptTask: TaskWork<"adopt"> = async (context) => {
  const { task, ledger, store, application } = context;
  const { environment, address } = await openEnvironment(ledger, task.environment ?? "", application);
  const session = await openSession(address, { application, patienceSeconds: environment.policy.patience });
  try {
    await assertDirect(session);
    assertIdentity(await readIdentity(session), environment);
    const { project, files } = await readReleaseFiles(store, task.input.release);
    await takeBack(context, session, environment);
    const adopted = await adoptedOf(session, project, files, task.input);
    const proven = await proveByReplay(context, session, environment, project, adopted);
    context.passed("replayed");
    await record(context, session, environment, adopted, proven);
    context.passed("adopted");
    // What has changed since is drift, and no part of the promise.
    const shape = await keepShape(store, proven.shape);
    const whole = adopted.migrations.length === project.migrations.length;
    const said = {
      release: task.input.release,
      tool: adopted.tool ?? null,
      history: adopted.table ?? null,
      through: adopted.migrations.at(-1)?.path ?? null,
      migrations: adopted.migrations.length,
      pending: project.migrations.length - adopted.migrations.length,
      ...(adopted.tool === undefined && { traceless: tracelessEnd(adopted.migrations) }),
      fingerprint: shape,
    };
    return {
      outcome: said,
      also: async (ledger) => {
        const release = whole ? task.input.release : null;
        await replaceEnvironment(ledger, environment.name, { fingerprint: shape, release });
        await appendEvent(ledger, {
          type: "environment.adopted",
          environment: environment.name,
          data: { task: task.id, ...said, by: task.requestedBy },
        });
      },
    };
  } finally {
    await session.close();
  }
};

interface Adopted {
  tool?: HistoryTool;
  /** The history's table, as it is called. */
  table?: string;
  owned?: OwnedObjects;
  migrations: Migration[];
  /** Files that run whenever they change, and ran in the form that the release has. */
  repeatables: SqlFile[];
}

type Files = Awaited<ReturnType<typeof readReleaseFiles>>["files"];

/** What is said to have been applied: by the tool's history, or by whoever names a baseline. */
async function adoptedOf(
  session: Session,
  project: Project,
  files: Files,
  asked: TaskContext<"adopt">["task"]["input"],
): Promise<Adopted> {
  const named = HISTORY_TOOLS.find((name) => name === (asked.tool ?? project.config.format));
  if (asked.baseline !== undefined) {
    const owned = named && (await findOwned(session, named));
    return {
      migrations: baselinePrefix(project.migrations, asked.baseline),
      repeatables: [],
      ...(owned !== undefined && { owned }),
    };
  }
  if (named === undefined) throw new RehearsalError("HistoryMissing", { tool: "", table: "" });
  const bytes = new Map(files.map((file) => [file.path, file.bytes]));
  const known = <T extends { path: string; key?: string }>({ path, key }: T) => ({
    key: key ?? path,
    path,
    bytes: bytes.get(path) ?? new Uint8Array(),
  });
  const history = await readHistory(session, named, {
    migrations: project.migrations.map(known),
    repeatables: project.views.map(known),
    files,
  });
  const repeated = new Set(history.claims.flatMap(({ repeatable, path }) => (repeatable ? path : [])));
  const { table, owned, claims } = history;
  return {
    ...{ tool: named, table, owned },
    migrations: claimedPrefix(project.migrations, claims, { tool: named, table }),
    repeatables: project.views.filter(({ path }) => repeated.has(path)),
  };
}

/** True when this task has written the record; throws `AdoptionLate` when there is another one. */
async function wasRecorded(session: Session, { task }: Pick<TaskContext<"adopt">, "task">): Promise<boolean> {
  const applied = await readApplied(session);
  const foreign = applied.filter(({ promotion }) => promotion !== task.id);
  const [first] = foreign;
  if (first !== undefined)
    throw new RehearsalError("AdoptionLate", {
      environment: task.environment ?? "",
      count: foreign.length,
      first: first.path,
    });
  return applied.length > 0;
}

/** Takes back what an attempt that died has recorded: what it proved need not be so any more, and is proved again. */
async function takeBack(
  context: TaskContext<"adopt">,
  session: Session,
  environment: Environment,
): Promise<void> {
  if (await wasRecorded(session, context))
    await whileNobodyPromotes(context, session, environment, () => forgetAdopted(session, context.task.id));
}

/** One transaction over the record, which nobody else has written or can begin to. */
async function whileNobodyPromotes(
  context: TaskContext<"adopt">,
  session: Session,
  { name }: Environment,
  work: () => Promise<void>,
): Promise<void> {
  const { ledger, task, asNewest } = context;
  await asNewest(async () => {
    await overtakeRehearsals(ledger, name, task.id);
    await lockEnvironment(ledger, name);
    await refuseLocked(ledger, name);
    await session.transaction(async () => {
      await session.execute("lock table rehearsal.applied in exclusive mode");
      await wasRecorded(session, context);
      await work();
    });
  });
}

interface Proven {
  /** The database's, as it was found. */
  shape: Shape;
  /** What runs whenever it changes, and is there in the form that the release has. */
  repeatables: readonly SqlFile[];
}

/** Replays what is said to have been applied until the shapes are equal: without the views of the project, or with them where all migrations are there. Throws `AdoptionUnproven`. */
async function proveByReplay(
  context: TaskContext<"adopt">,
  session: Session,
  { name, policy }: Environment,
  project: Project,
  { migrations, repeatables, owned, tool }: Adopted,
): Promise<Proven> {
  const read = (from: Session) => readGuardedShape(from, policy);
  const onFile = (path: string) => context.progress({ done: { bytes: 0, rows: 0 }, now: path });
  const shape = await read(session);
  const whole = migrations.length === project.migrations.length;
  const choices: SqlFile[][] = whole
    ? repeatableChoices(project.views, repeatables, tool !== undefined)
    : [repeatables];
  let fewest: string[] | undefined;
  for (const views of choices) {
    const made = await whereTaskReplays(context, (place) =>
      withReplay(place, { ...project, migrations, views }, { onFile, alone: true }, read),
    );
    const differences = diffShapes(comparableShape(made, owned), comparableShape(shape, owned));
    if (differences.length === 0) return { shape, repeatables: views };
    if (fewest === undefined || differences.length < fewest.length)
      fewest = differences.map(describeDifference);
  }
  throw new RehearsalError("AdoptionUnproven", {
    environment: name,
    through: migrations.at(-1)?.path ?? "",
    differences: firstOf(fewest ?? []),
  });
}

/** Writes the record while nobody can begin a promotion, and only while the shape is the proven one. */
async function record(
  context: TaskContext<"adopt">,
  session: Session,
  environment: Environment,
  { migrations }: Adopted,
  { shape, repeatables }: Proven,
): Promise<void> {
  const { task } = context;
  await whileNobodyPromotes(context, session, environment, async () => {
    const differences = diffShapes(shape, await readGuardedShape(session, environment.policy));
    if (differences.length > 0)
      throw new RehearsalError("DriftFound", {
        environment: environment.name,
        differences: firstOf(differences.map(describeDifference)),
      });
    const files = [
      ...migrations.map(({ path, version, sha256 }) => ({ path, version, sha256 })),
      ...repeatables.map(({ path, sha256 }) => ({ path, version: null, sha256 })),
    ];
    await recordAdopted(session, files, { release: task.input.release, task: task.id });
  });
}
