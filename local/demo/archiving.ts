/** What the application of the assessments does: it archives jobs with their outputs and finals, and says so on the bus. */
import { sha256 } from "../../core/digest.ts";
import { openEventBus } from "../../io/event-bus.ts";
import { openObjectStore } from "../../io/object-store.ts";
import type { Session } from "../../io/postgres/session.ts";

/** Archives jobs that were under review, as somebody who files late: they are past the policy's grace at once. Returns their keys. */
export async function archiveJobs(session: Session, bucket: string, count: number): Promise<string[]> {
  const store = openObjectStore({ bucket });
  try {
    const jobs = await session.query<{ id: string; reference: string }>(
      `select j.id::text, j.reference from public.jobs j
        where j.status in ('review', 'active') and (select count(*) from public.job_rounds r where r.job_id = j.id) > 1
        order by j.id limit $1`,
      [count],
    );
    for (const { id, reference } of jobs) {
      const outputs: { kind: string; key: string; sha256: string; bytes: number }[] = [];
      for (const [kind, file] of OUTPUTS) {
        const bytes = Buffer.from(`${kind} of ${reference}, as the application makes it\n`);
        const key = `documents/${reference}/${file}`;
        await store.put(key, bytes);
        outputs.push({ kind, key, sha256: sha256(bytes), bytes: bytes.length });
      }
      await session.transaction(async () => {
        await session.query(ADD_OUTPUTS, [id, JSON.stringify(outputs)]);
        await session.query(ADD_FINAL, [id]);
        await session.query(
          "update public.jobs set status = 'archived', archived_at = opened_at + interval '20 days' where id = $1",
          [id],
        );
      });
    }
    return jobs.map(({ id }) => id);
  } finally {
    store.close();
  }
}

/** Puts a `record.archived` on the bus for each. */
export async function tellBus(bus: string, records: readonly string[]): Promise<void> {
  await openEventBus().putEvents(
    bus,
    records.map((record) => ({
      source: "assessments",
      detailType: "record.archived",
      detail: { environment: "prod", policy: "jobs", record },
    })),
  );
}

const OUTPUTS = [
  ["pdf", "report.pdf"],
  ["docx", "report.docx"],
  ["geojson", "map.geojson"],
] as const;

const ADD_OUTPUTS = `
  insert into public.artifacts (reference, job_id, kind, storage_key, content_type, sha256, size_bytes, retained)
  select j.reference || '-' || o.kind, j.id, o.kind, o.key, 'application/octet-stream', o.sha256, o.bytes, true
  from public.jobs j cross join jsonb_to_recordset($2) o (kind text, key text, sha256 text, bytes bigint)
  where j.id = $1`;

/** Its last round is the accepted one, and the only one that the final names. */
const ADD_FINAL = `
  insert into public.job_finals (job_id, kind, payload)
  select j.id, 'final', jsonb_build_object('schema', 2, 'reference', j.reference, 'kind', 'final', 'legacyId', j.legacy_id,
    'assessedAt', to_char(r.completed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'customer', jsonb_build_object('reference', c.reference, 'name', btrim(c.name)),
    'operator', jsonb_build_object('reference', o.reference, 'name', o.name),
    'site', jsonb_build_object('address', j.site_address, 'longitude', j.longitude, 'latitude', j.latitude),
    'rounds', jsonb_build_array(jsonb_build_object('reference', r.reference, 'number', r.number)),
    'media', '[]'::jsonb, 'findings', '[]'::jsonb, 'transcript', 'Nothing was found.',
    'artifacts', (select jsonb_agg(jsonb_build_object('reference', a.reference, 'kind', a.kind)) from public.artifacts a
      where a.job_id = j.id and a.retained),
    'form', jsonb_build_object('purpose', 'purchase', 'condition', 'good', 'score', 90, 'areaM2', 120.5))
  from public.jobs j
  join public.customers c on c.id = j.customer_id
  join public.operators o on o.id = j.operator_id
  join lateral (select * from public.job_rounds l where l.job_id = j.id order by l.number desc limit 1) r on true
  where j.id = $1`;
