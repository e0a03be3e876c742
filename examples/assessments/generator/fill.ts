/** Drawn jobs as rows and objects: a database as it stands after years of work, every trigger having seen it come. */
import type { ObjectStore } from "../../../io/object-store.ts";
import { writeAct } from "../../../io/postgres/acts.ts";
import type { Session } from "../../../io/postgres/session.ts";
import {
  type Artifact,
  bytesOf,
  drawJob,
  type Job,
  type JobShape,
  type Media,
  type Payload,
  sha256Of,
} from "./job.ts";
import { billingOf, customerOf, customersOf, operatorOf } from "./people.ts";

export interface FillOptions extends JobShape {
  /** How many jobs; everything else follows from it. */
  jobs: number;
  /** True: archiving tells the policy, as the application's work does. Else it is written as an import, which tells nobody. */
  told?: boolean;
}

export interface Filled {
  jobs: number;
  archived: number;
  corrections: number;
  rounds: number;
  media: number;
  artifacts: number;
}

/** Fills the empty tables in one transaction, and analyzes them. */
export async function fillProduction(session: Session, options: FillOptions): Promise<Filled> {
  const filled: Filled = { jobs: 0, archived: 0, corrections: 0, rounds: 0, media: 0, artifacts: 0 };
  const { jobs: count, seed, told = false } = options;
  await session.transaction(async () => {
    const [known] = await session.query<{ there: boolean }>(
      "select to_regnamespace('rehearsal') is not null as there",
    );
    if (known?.there === true && !told)
      await writeAct(session, { kind: "import", id: `generated-${seed}`, record: "all" });
    const customers = Array.from({ length: customersOf(count) }, (_, number) => customerOf(seed, number));
    const ids = new Map(customers.map(({ reference }, index) => [reference, index + 1]));
    await insert(
      session,
      "customers",
      customers.map((one, index) => ({ id: index + 1, ...one })),
    );
    await insert(
      session,
      "billing_profiles",
      customers.map(billingOf).map(({ taxNumber, ...one }, index) => ({
        ...{ id: index + 1, customer_id: index + 1, tax_number: taxNumber, currency: "EUR" },
        ...one,
      })),
    );
    await insert(
      session,
      "operators",
      Array.from({ length: 40 }, (_, number) => ({ id: number + 1, ...operatorOf(seed, number) })),
    );
    for (let from = 1; from <= count; from += SLICE) {
      const slice: Job[] = [];
      for (let number = from; number < Math.min(from + SLICE, count + 1); number++)
        slice.push(drawJob(number, options));
      await insertJobs(session, slice, from, ids, filled);
    }
    await session.execute(COUNTERS);
  });
  await session.execute(`analyze ${TABLES.map((table) => `public.${table}`).join(", ")}`);
  return filled;
}

/** Puts the objects of the first jobs into the bucket, below `root`, as a filled database speaks of them; returns how many. */
export async function fillBucket(
  store: ObjectStore,
  options: JobShape & { jobs: number; root?: string },
): Promise<number> {
  const { jobs, root = "" } = options;
  let put = 0;
  for (let number = 1; number <= jobs; number++) {
    const job = drawJob(number, options);
    const media = job.rounds.flatMap((round) => round.media);
    const files = [
      ...media.map((one) => [mediaKey(job, one), one] as const),
      ...job.artifacts.map((one) => [artifactKey(job, one), one] as const),
    ];
    await Promise.all(files.map(([key, one]) => store.put(root + key, bytesOf(one))));
    put += files.length;
  }
  return put;
}

/** Where media lie, below the storage's root. */
export function mediaKey(job: Job, { file }: Media): string {
  return `media/${job.reference}/${file}`;
}

/** Where artifacts lie, below the storage's root: outputs under documents/, reviews under reviews/. */
export function artifactKey(job: Job, { round, file }: Artifact): string {
  return `${round === null ? "documents" : "reviews"}/${job.reference}/${file}`;
}

/** The payload as it goes into the database: its legacy number as a number, beyond what a float holds. */
export function payloadText(payload: Payload): string {
  return JSON.stringify({ ...payload, legacyId: BIG }).replace(`"${BIG}"`, String(payload.legacyId));
}

const SLICE = 1_000;
const BIG = "the legacy number";

const TABLES = [
  "customers",
  "billing_profiles",
  "operators",
  "jobs",
  "job_rounds",
  "round_recordings",
  "round_images",
  "job_finals",
  "artifacts",
  "job_events",
];

type Row = Record<string, string | number | boolean | object | null>;

/** The rows of a table; what a row leaves out is null. */
async function insert(session: Session, table: string, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = await session.query<{ name: string }>(
    `select attname as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname = any ($2)`,
    [`public.${table}`, [...new Set(rows.flatMap((row) => Object.keys(row)))]],
  );
  const names = columns.map(({ name }) => `"${name}"`).join(", ");
  await session.query(
    `insert into public.${table} (${names}) overriding system value
      select ${names} from jsonb_populate_recordset(null::public.${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

async function insertJobs(
  session: Session,
  jobs: readonly Job[],
  from: number,
  customers: ReadonlyMap<string, number>,
  filled: Filled,
): Promise<void> {
  const rounds: Row[] = [];
  const recordings: Row[] = [];
  const images: Row[] = [];
  const artifacts: Row[] = [];
  const finals: { job_id: number; kind: string; payload: string; made_at: string }[] = [];
  const archived: Row[] = [];
  const history: Row[] = [];
  const rows = jobs.map((job, index): Row => {
    const id = from + index;
    const roundIds = new Map<string, number>();
    for (const round of job.rounds) {
      const round_id = ++filled.rounds;
      roundIds.set(round.reference, round_id);
      rounds.push({
        ...{
          id: round_id,
          reference: round.reference,
          job_id: id,
          number: round.number,
          status: round.status,
        },
        ...{ operator_id: Number(round.operator.reference.slice(2)), notes: round.notes },
        ...{ started_at: round.startedAt, completed_at: round.completedAt },
      });
      for (const media of round.media) {
        const bytes = bytesOf(media);
        const { reference, contentType: content_type } = media;
        const row = {
          ...{ id: ++filled.media, reference, round_id, storage_key: mediaKey(job, media), content_type },
          ...{ sha256: sha256Of(bytes), size_bytes: bytes.length },
        };
        if (media.kind === "recording")
          recordings.push({ ...row, duration_ms: media.durationMs, recorded_at: media.at });
        else images.push({ ...row, width: media.width, height: media.height, taken_at: media.at });
      }
    }
    for (const one of job.artifacts) {
      const bytes = bytesOf(one);
      artifacts.push({
        ...{ id: ++filled.artifacts, reference: one.reference, job_id: id, kind: one.kind },
        ...{ round_id: one.round === null ? null : (roundIds.get(one.round) ?? null) },
        ...{ storage_key: artifactKey(job, one), content_type: one.contentType },
        ...{ sha256: sha256Of(bytes), size_bytes: bytes.length, retained: one.round === null },
        made_at: job.archivedAt ?? job.openedAt,
      });
    }
    for (const payload of [job.final, job.correction])
      if (payload !== null)
        finals.push({
          job_id: id,
          kind: payload.kind,
          payload: payloadText(payload),
          made_at: payload.assessedAt,
        });
    if (job.archivedAt !== null) archived.push({ id, archived_at: job.archivedAt });
    for (const event of job.history) history.push({ job_id: id, subject: "jobs", detail: {}, ...event });
    filled.corrections += job.correction === null ? 0 : 1;
    const customer = customers.get(job.customer.reference) ?? 0;
    return {
      ...{
        id,
        reference: job.reference,
        customer_id: customer,
        source: "application",
        legacy_id: String(job.legacyId),
      },
      ...{
        billing_profile_id: job.billing && customer,
        operator_id: Number(job.operator.reference.slice(2)),
      },
      ...{ status: job.status === "archived" ? "review" : job.status, site_address: job.site.address },
      ...{ longitude: job.site.longitude, latitude: job.site.latitude, opened_at: job.openedAt },
    };
  });
  filled.jobs += rows.length;
  filled.archived += archived.length;
  await insert(session, "jobs", rows);
  await insert(session, "job_rounds", rounds);
  await insert(session, "round_recordings", recordings);
  await insert(session, "round_images", images);
  await insert(session, "artifacts", artifacts);
  await insert(session, "job_events", history);
  const of = (name: "kind" | "payload" | "made_at") => finals.map((one) => one[name]);
  await session.query(
    `insert into public.job_finals (job_id, kind, payload, made_at)
      select * from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::timestamptz[])`,
    [finals.map(({ job_id }) => job_id), of("kind"), of("payload"), of("made_at")],
  );
  await session.query(
    `update public.jobs j set status = 'archived', archived_at = a.archived_at
      from jsonb_to_recordset($1) a (id bigint, archived_at timestamptz) where a.id = j.id`,
    [JSON.stringify(archived)],
  );
}

/** Counters go on where the rows end. */
const COUNTERS = TABLES.map(
  (table) =>
    `select setval(pg_get_serial_sequence('public.${table}', 'id'), greatest((select max(id) from public.${table}), 1))`,
).join("; ");
