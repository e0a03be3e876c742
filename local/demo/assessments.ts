/** Assessments from an old system's files: imported, promoted under the data, archived, pruned, and reported from what stays. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  type LegacyTree,
  ODDITIES,
  type Oddity,
  removeLegacyTree,
  writeLegacyTree,
} from "../../examples/assessments/generate.ts";
import type { Session } from "../../io/postgres/session.ts";
import { archiveJobs, tellBus } from "./archiving.ts";
import { makeBuckets } from "./buckets.ts";
import { type Stage, say, tell } from "./stage.ts";

const RECORDS = 5_000;
/** A sweep of all takes some minutes: every record is bundled, deleted and proved by itself. */
const SWEPT = 200;
const AGAIN = 200;
/** Of the old system's jobs. */
const LEGACY = { seed: 4, rounds: 2, media: 1 };
const BUCKET = "assessments";

const PROD = ["--environment", "prod"];
/** What deletes or writes in production wants to be told twice which one is meant. */
const SURE = [...PROD, "--confirm", "prod"];

export async function assessments(stage: Stage): Promise<void> {
  const { layOut, rehearsal, contentOf } = stage;
  await makeBuckets(BUCKET);
  const production = await stage.makeProduction({ storage: { bucket: BUCKET }, inventory: "required" });
  const within = <T>(work: (session: Session) => Promise<T>) => stage.withSession(production, work);
  const { url } = stage.stack;
  tell(`the service answers at ${url}; production is ${production.database} on port ${production.port}`);

  say("Release 1: the tables, and the guards that keep the record");
  await layOut();
  await rehearsal(["promote", "prod", "--watch"], 0);

  say("The old system's files, and what has gone wrong in them over the years, become rows and objects");
  const { folder, tree } = await layOutLegacy(stage);
  const importLegacy = ["import", "files", folder, "--import", "legacy", ...SURE];
  // Some records are refused, and that is told by the exit code.
  await rehearsal(importLegacy, 3);
  const task = await assertImported(stage, tree);
  await rehearsal(["import", "report", task, "--limit", "12"], 0);
  await removeLegacyTree(folder);
  const { rows } = await contentOf(production);
  tell(
    `production holds ${rows.toLocaleString("en")} rows; the first ${AGAIN} records once more change nothing:`,
  );
  const again = await writeLegacyTree(folder, { ...LEGACY, jobs: AGAIN });
  await rehearsal(importLegacy, 3);
  await assertImported(stage, again);
  await removeLegacyTree(folder);
  if ((await contentOf(production)).rows !== rows) throw new Error("the second import changed something");

  say("Release 2 adds names and times under the data, and lets events prune once the policy is tested");
  await layOut("2-reporting");
  await rehearsal(["promote", "prod", "--watch"], 0);
  await askPresets(stage, within, "before");

  say("Nobody edits the record, not even a superuser who replays for a replica");
  await within(showRefusals);

  say(
    "The application archives jobs and says so on the bus; nobody has tested the policy, so it is only told what would go",
  );
  const first = await within((session) => archiveJobs(session, BUCKET, 3));
  await tellBus("rehearsal", first);
  await untilEnded(stage, first[0]);
  await rehearsal(["prune", "list", "prod"], 0);

  say("The policy on a restored copy: pruned there, compared, put back, and compared again");
  await rehearsal(["backup", "create", "prod"], 0);
  await rehearsal(["prune", "test", "jobs", ...PROD, "--records", "200"], 0);

  say("A dry run; then an event prunes by itself, and what it took comes back when it is asked for");
  await rehearsal(["prune", "plan", ...first, ...PROD], 0);
  const second = await within((session) => archiveJobs(session, BUCKET, 3));
  await tellBus("rehearsal", second);
  const pruned = await untilEnded(stage, second[0]);
  await rehearsal(["prune", "show", pruned], 0);
  await rehearsal(["prune", "restore", pruned, "--confirm", "prod"], 0);

  say(`The backlog of the import: the first ${SWEPT} records of a sweep`);
  await rehearsal(["prune", "sweep", ...SURE, "--limit", String(SWEPT), "--no-watch"], 0);
  await untilEnded(stage);
  await rehearsal(["prune", "list", "prod"], 0);
  await askPresets(stage, within, "after");

  say("A final is corrected, and the documents of its job are made anew where they lie");
  const [corrected = ""] = second;
  await within((session) => session.query(CORRECT, [corrected]));
  await rehearsal(["reporting", "regenerate", "assessment", "--record", corrected, ...PROD], 0);

  say("Reports from what stays: CSV, XLSX, Parquet and GeoJSON out of one snapshot");
  await rehearsal(["reporting", "run", "finals", ...PROD], 0);
  await rehearsal(["reporting", "run", "findings", ...PROD], 0);
  await rehearsal(["log", "verify"], 0);
}

/** Writes the tree beside the project, and tells what is odd in it. */
async function layOutLegacy({ project }: Stage): Promise<{ folder: string; tree: LegacyTree }> {
  const folder = join(project, "../legacy");
  const tree = await writeLegacyTree(folder, { ...LEGACY, jobs: RECORDS });
  tell(
    `${tree.files.toLocaleString("en")} files in ${tree.folders.toLocaleString("en")} folders; of these are odd:`,
  );
  for (const [kind, references] of Object.entries(tree.odd))
    tell(`  ${String(references.length).padStart(4)} ${kind}: to be ${ODDITIES[kind as Oddity].outcome}`);
  return { folder, tree };
}

/** Throws unless the newest task has imported, listed and refused as many as the generator made; returns its id. */
async function assertImported({ stack }: Stage, { folders, outcomes, odd }: LegacyTree): Promise<string> {
  const response = await fetch(`${stack.url}/tasks?limit=1`, {
    headers: { authorization: `Bearer ${stack.keys.operator}` },
  });
  const [task] = ((await response.json()) as { tasks: { id: string; outcome: Imported }[] }).tasks;
  const wanted = {
    records: { read: folders, imported: folders - outcomes.refused, refused: outcomes.refused },
    ...{ disagreements: outcomes.listed, unread: odd["file of nobody"].length },
  };
  const found = task && {
    records: task.outcome.records,
    ...{ disagreements: task.outcome.disagreements, unread: task.outcome.unread },
  };
  if (task === undefined || !isDeepStrictEqual(found, wanted))
    throw new Error(`${JSON.stringify(wanted)} were made, and the import tells of ${JSON.stringify(found)}`);
  tell("which is what the generator says that it made of each kind");
  return task.id;
}

interface Imported {
  records: { read: number; imported: number; refused: number };
  disagreements: number;
  unread: number;
}

/** The numbers of each preset: the summary whole, of the others how many rows there are, as files beside the project. */
async function askPresets({ rehearsal }: Stage, within: Within, when: string): Promise<void> {
  const [job] = await within((session) => session.query<{ reference: string }>(MOST_ROUNDS));
  await rehearsal(["query", "summary", ...PROD], 0);
  const asked: [file: string, ...words: string[]][] = [
    ["archived-finals", "archived-finals"],
    ["corrected-finals", "archived-finals", "--param", "corrected=true"],
    ["round-mismatches", "round-mismatches"],
    ["media-by-job", "media-by-job", "--param", `job=${job?.reference ?? ""}`],
    ["pruning-candidates", "pruning-candidates"],
    ["report-projection", "report-projection"],
    ["entities-twice", "normalized-entities", "--param", "twice=true"],
  ];
  for (const [file, ...words] of asked)
    await rehearsal(["query", ...words, ...PROD, "--out", `../${when}-${file}.csv`], 0);
}

const MOST_ROUNDS = `
  select j.reference from public.jobs j join public.job_rounds r on r.job_id = j.id
  where j.status = 'archived' group by 1 order by count(*) desc, 1 limit 1`;

type Within = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

const EDITS = [
  "update public.job_finals set payload = '{}' where kind = 'final'",
  "delete from public.round_recordings",
  "update public.artifacts set size_bytes = 0 where retained",
  "truncate public.jobs cascade",
];

async function showRefusals(session: Session): Promise<void> {
  await session.execute("set session_replication_role = replica");
  for (const edit of EDITS) {
    const said = await session.execute(edit).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (said === undefined) throw new Error(`the database took: ${edit}`);
    tell(`${edit}\n     ${said}`);
  }
}

/** Waits until the newest prune has ended, of that record or of any, as the clock, the bus or a command began it; returns its id. */
async function untilEnded({ stack }: Stage, record?: string): Promise<string> {
  const query = new URLSearchParams({ environment: "prod", ...(record !== undefined && { record }) });
  for (const end = performance.now() + 60_000; performance.now() < end; await pause(200)) {
    const response = await fetch(`${stack.url}/prunes?${query}`, {
      headers: { authorization: `Bearer ${stack.keys.operator}` },
    });
    const { prunes } = (await response.json()) as { prunes: { id: string; status: string }[] };
    const [newest] = prunes;
    if (newest !== undefined && !["created", "running"].includes(newest.status)) return newest.id;
  }
  throw new Error("the newest prune has not ended in a minute");
}

const CORRECT = `
  insert into public.job_finals (job_id, kind, payload)
  select job_id, 'correction', payload || '{"kind": "correction", "transcript": "Corrected: the cellar is damp."}'
  from public.job_finals where job_id = $1 and kind = 'final'`;
