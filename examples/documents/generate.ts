/** Fills Documents' production with as many files as are asked for: the same rows each time, on every server. */
import type { Session } from "../../io/postgres/session.ts";

export interface FillOptions {
  /** How many files, outputs included; everything else follows from it. */
  files: number;
}

/**
 * Fills the empty tables of release 1, in one transaction, and analyzes them; 120,000 files take some seconds.
 * What looks like chance is a hash of the row's number, so no two runs differ by a byte.
 */
export async function fillProduction(session: Session, { files }: FillOptions): Promise<void> {
  const inputs = Math.ceil((files * 2) / 3);
  const workspaces = Math.max(3, Math.ceil(files / 2_000));
  await session.transaction(async () => {
    // The feed's triggers would take the time of the filling; its rows are made below instead.
    for (const table of TRIGGERED) await session.execute(`alter table public.${table} disable trigger user`);
    await session.execute(workspacesOf(workspaces));
    await session.execute(inputsOf(inputs, workspaces));
    await session.execute(outputsOf(files - inputs));
    for (const statement of [UPLOADED, RUNS, GENERATED, KEYS, EVENTS]) await session.execute(statement);
    for (const table of TRIGGERED) await session.execute(`alter table public.${table} enable trigger user`);
  });
  await session.execute(`analyze ${TABLES.map((table) => `public.${table}`).join(", ")}`);
}

const TRIGGERED = ["files", "file_versions", "document_events"];
const TABLES = ["workspaces", "files", "file_versions", "runs", "idempotency_keys", "document_events"];

/** SQL: a number from 0 to `below - 1` that follows from `of` and from which question is asked of it. */
function drawn(of: string, question: number, below: number): string {
  return `((pg_catalog.hashint8extended(${of}, ${question}) & 2147483647) % ${below})::int`;
}

/** SQL: one of the words. */
function pick(words: string[], of: string, question: number): string {
  return `(array[${words.map((word) => `'${word}'`).join(", ")}])[1 + ${drawn(of, question, words.length)}]`;
}

/** SQL: the identifier of the thing of that kind and number. */
const id = (kind: string, number: string) => `md5('${kind} ' || ${number})::uuid`;

const BEGIN = "timestamptz '2024-01-01 00:00:00Z'";

const workspacesOf = (count: number) => `
  insert into public.workspaces (id, name, created_at)
  select ${id("workspace", "n")}, 'Workspace ' || n, ${BEGIN} + n * interval '1 hour'
  from generate_series(1::bigint, ${count}) n`;

const SUBJECTS = ["Invoice", "Contract", "Floor plan", "Minutes", "Survey", "Offer", "Résumé", "Ledger"];
const ENDINGS = ["pdf", "docx", "xlsx", "csv", "PDF", "txt"];

/** Names as people write them: in either case, with stray spaces, now and then the one that is there already in other letters. */
const inputsOf = (count: number, workspaces: number) => `
  insert into public.files (id, workspace_id, kind, doc_no, name, name_key, version, attributes, created_at, updated_at, expires_at)
  select ${id("file", "n")}, ${id("workspace", `(1 + n % ${workspaces})`)}, 'document', n::int, written, written,
    1 + ${drawn("n", 1, 3)}, jsonb_build_object('pages', 1 + ${drawn("n", 2, 90)}, 'language', ${pick(["en", "de", "fr"], "n", 3)}),
    ${BEGIN} + n * interval '2 minutes', ${BEGIN} + (n + 500) * interval '2 minutes',
    case when ${drawn("n", 4, 5)} = 0 then ${BEGIN} + interval '2 years' end
  from (
    select n, case when named = n then name || case when ${drawn("n", 6, 9)} = 0 then ' ' else '' end
        else upper(replace(name, ' ', '  ')) end as written
    from (
      select n, named, ${pick(SUBJECTS, "named / 7", 7)} || ' ' || named || '.' || ${pick(ENDINGS, "named", 5)} as name
      from (
        select n, case when n % 50 = 0 and n > ${workspaces} then n - ${workspaces} else n end as named
        from generate_series(1::bigint, ${count}) n
      ) numbered
    ) named
  ) written`;

const OUTPUTS = ["xlsx", "csv", "json", "pdf", "html", "log", "xlsx"];

/** One output for each of the first inputs, named after it. */
const outputsOf = (count: number) => `
  insert into public.files (id, workspace_id, kind, name, name_key, parent_file_id, created_at, updated_at)
  select ${id("output", "n")}, f.workspace_id, 'output',
    'Output of ' || n || '.' || ${pick(OUTPUTS, "n", 8)}, 'out-' || n, f.id,
    f.created_at + interval '5 minutes', f.created_at + interval '6 minutes'
  from generate_series(1::bigint, ${count}) n join public.files f on f.id = ${id("file", "n")}`;

/** As many versions as the file says it has. The store gave most blobs a version of its own. */
const UPLOADED = `
  insert into public.file_versions (file_id, version_no, origin, blob_version_id, content_type, byte_size, sha256, created_at)
  select f.id, v, 'uploaded',
    case when v = 1 and f.version > 2 then 'local-' || v else substr(md5(f.id::text || v), 1, 20) end,
    'application/octet-stream', 1000 + (hashtext(f.id::text || v) & 1048575), sha256(convert_to(f.id::text || v, 'UTF8')),
    f.created_at + v * interval '1 minute'
  from public.files f cross join lateral generate_series(1, f.version) v
  where f.kind = 'document'
  order by f.created_at, f.id, v`;

const RUNS = `
  insert into public.runs (id, workspace_id, input_file_id, output_file_id, status, created_at, finished_at)
  select md5('run ' || f.id)::uuid, f.workspace_id, f.parent_file_id, f.id, 'succeeded', f.created_at - interval '1 minute', f.created_at
  from public.files f where f.kind = 'output'`;

/** Of a third it was noted what they are. */
const GENERATED = `
  insert into public.file_versions (file_id, version_no, origin, run_id, blob_version_id, content_type, byte_size, sha256, created_at)
  select f.id, v, 'generated', md5('run ' || f.id)::uuid, 'local-' || v,
    case when hashtext(f.id::text) % 3 = 0 then 'application/octet-stream' end,
    500 + (hashtext(f.id::text || v) & 65535), sha256(convert_to(f.id::text || v, 'UTF8')), f.created_at + v * interval '1 minute'
  from public.files f cross join generate_series(1, 2) v
  where f.kind = 'output'
  order by f.created_at, f.id, v`;

const KEYS = `
  insert into public.idempotency_keys (workspace_id, key, request_sha256, response_status, response_body, created_at)
  select r.workspace_id, 'request-' || r.id, sha256(convert_to(r.id::text, 'UTF8')), 201, jsonb_build_object('run', r.id), r.created_at
  from public.runs r`;

const EVENTS = `
  insert into public.document_events (workspace_id, document_id, event, occurred_at)
  select workspace_id, id, 'created', created_at from public.files order by created_at, id`;
