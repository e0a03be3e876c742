/** Fills Selenite's production and its buckets: the same rows and objects each time, on every server. */
import type { ObjectStore } from "../../io/object-store.ts";
import type { Session } from "../../io/postgres/session.ts";

export interface FillOptions {
  /** How many jobs; everything else follows from it. */
  jobs: number;
}

/** Fills the empty tables of release 1, in one transaction, and analyzes them. What looks like chance is a hash of the row's number. */
export async function fillProduction(session: Session, { jobs }: FillOptions): Promise<void> {
  const users = Math.max(4, Math.ceil(jobs / 40));
  await session.transaction(async () => {
    for (const statement of [
      people(users),
      PREFERENCES,
      work(jobs, users),
      TRANSCRIPTS,
      TAGS,
      JOB_TAGS,
      AUDIT,
      ...MODELS,
      SETTINGS,
    ])
      await session.execute(statement);
  });
  await session.execute(`analyze ${TABLES.map((table) => `public.${table}`).join(", ")}`);
}

/** Puts the files that the rows speak of into the bucket, and what else lies under its prefixes; returns how many. */
export async function fillBucket(session: Session, store: ObjectStore): Promise<number> {
  const found = await session.query<{ key: string; text: string }>(FILES);
  for (const { key, text } of found) await store.put(key, Buffer.from(text));
  return found.length;
}

/** Puts what the workspace of an environment says of itself, and its configuration, where the inventory says that they are. */
export async function layOutWorkspace(
  store: ObjectStore,
  environment: { name: string; role: "dev" | "prod"; state: string },
): Promise<void> {
  const { name, role, state } = environment;
  const files = {
    ".env": `SECRET_KEY=${name}-not-a-real-key\nALLOWED_ORIGINS=https://selenite.example\n`,
    ".env.smtp": `SMTP_PASSWORD=${name}-not-a-real-password\n`,
    ".workspace-role": `${role}\n`,
    ".workspace-state.json": `${JSON.stringify({ state, since: "2026-01-01T00:00:00Z" }, null, 2)}\n`,
  };
  for (const [file, text] of Object.entries(files)) await store.put(`${name}/${file}`, Buffer.from(text));
}

const TABLES = [
  "users",
  "user_settings",
  "jobs",
  "transcripts",
  "tags",
  "job_tags",
  "audit_logs",
  "model_providers",
  "model_sets",
  "model_entries",
  "settings",
];

/** SQL: a number from 0 to `below - 1` that follows from `of` and from which question is asked of it. */
function drawn(of: string, question: number, below: number): string {
  return `((pg_catalog.hashint8extended(${of}, ${question}) & 2147483647) % ${below})::int`;
}

/** SQL: one of the words. */
function pick(words: string[], of: string, question: number): string {
  return `(array[${words.map((word) => `'${word}'`).join(", ")}])[1 + ${drawn(of, question, words.length)}]`;
}

/** SQL: the identifier of the job with that number. */
const jobId = (number: string) => `md5('selenite job ' || ${number})::uuid`;

const NAMES = ["ada", "bruno", "chiara", "dilan", "elif", "farid", "greta", "hugo", "ines", "jonas"];

/** The first account administers, every fiftieth is disabled. */
const people = (users: number) => `
  insert into public.users (username, email, password_hash, is_admin, is_disabled, last_login_at, created_at)
  select name || n, name || n || '@selenite.example', '$2b$12$' || left(md5('password ' || n) || md5('salt ' || n), 53),
    n = 1, n % 50 = 0, timestamptz '2026-03-01 08:00:00Z' + ${drawn("n", 1, 86_400)} * interval '1 second',
    timestamptz '2024-01-01 00:00:00Z' + n * interval '5 hours'
  from (select n, ${pick(NAMES, "n", 2)} as name from generate_series(1::bigint, ${users}) n) people order by n`;

const PREFERENCES = `
  insert into public.user_settings (user_id, default_language, default_model, diarization, preferences, updated_at)
  select id, ${pick(["auto", "en", "de", "fr", "es"], "id", 3)}, ${pick(["small", "medium", "large-v3"], "id", 4)}, id % 3 <> 0,
    jsonb_build_object('theme', ${pick(["light", "dark", "system"], "id", 5)}, 'timestamps', id % 2 = 0), created_at
  from public.users order by id`;

/** Of thirty jobs one failed, one was cancelled, one runs and one waits; the others are completed. */
const work = (jobs: number, users: number) => `
  insert into public.jobs (id, user_id, original_filename, media_path, media_bytes, duration_seconds, status, progress_percent,
    model_used, language_detected, error_message, created_at, started_at, completed_at)
  select ${jobId("n")}, 1 + ${drawn("n", 6, users)}, ${pick(["interview", "lecture", "meeting", "podcast", "memo"], "n", 7)} || '-' || n || '.m4a',
    'storage/media/' || ${jobId("n")} || '.m4a', 100000 + ${drawn("n", 8, 90_000_000)}, 30 + ${drawn("n", 9, 7_200_000)} / 1000.0,
    status, case status when 'completed' then 100 when 'queued' then 0 else 1 + ${drawn("n", 10, 98)} end,
    case when status <> 'queued' then ${pick(["small", "medium", "large-v3"], "n", 11)} end,
    case when status = 'completed' then ${pick(["en", "de", "fr", "es"], "n", 12)} end,
    case when status = 'failed' then 'the audio stream ends before its header says' end,
    made, case when status <> 'queued' then made + interval '3 seconds' end,
    case when status = 'completed' then made + ${drawn("n", 13, 3_600)} * interval '1 second' + interval '4 seconds' end
  from (select n, timestamptz '2025-01-01 00:00:00Z' + n * interval '7 minutes' as made,
      case n % 30 when 1 then 'failed' when 2 then 'cancelled' when 3 then 'processing' when 4 then 'queued' else 'completed' end as status
    from generate_series(1::bigint, ${jobs}) n) drafted order by n`;

const TRANSCRIPTS = `
  insert into public.transcripts (job_id, format, file_path, file_bytes, created_at)
  select j.id, f.format, 'storage/transcripts/' || j.id || '.' || f.format, 500 + length(j.original_filename) * 97, j.completed_at
  from public.jobs j cross join (values ('txt'), ('srt')) f (format)
  where j.status = 'completed' order by j.created_at, f.format`;

const TAGS = `
  insert into public.tags (name, color, created_at)
  select name, '#' || left(md5(name), 6), timestamptz '2024-01-01 00:00:00Z'
  from unnest(array['interview', 'research', 'private', 'to review', 'published', 'archive']) with ordinality t (name, n) order by n`;

const JOB_TAGS = `
  insert into public.job_tags (job_id, tag_id)
  select j.id, t.id from public.jobs j join public.tags t on hashtextextended(j.id::text || t.id, 14) % 4 = 0`;

const AUDIT = `
  insert into public.audit_logs (user_id, action, resource_type, resource_id, metadata, ip_address, user_agent, created_at)
  select user_id, 'job.created', 'job', id::text, jsonb_build_object('filename', original_filename),
    '192.0.2.1'::inet + (user_id % 250)::int, 'Mozilla/5.0', created_at
  from public.jobs order by created_at`;

const MODELS = [
  `insert into public.model_providers (name, base_url, api_key_encrypted, is_enabled, created_at)
  values ('local', null, null, true, '2024-01-01Z'),
    ('hub', 'https://models.example', decode(md5('hub, encrypted'), 'hex'), true, '2024-01-01Z')`,
  `insert into public.model_sets (provider_id, type, name, description, is_enabled)
  select p.id, s.type, s.name, s.description, true
  from public.model_providers p join (values ('hub', 'asr', 'whisper', 'speech to text'), ('hub', 'diarizer', 'voices', 'who speaks when'))
    s (provider, type, name, description) on s.provider = p.name order by s.name`,
  `insert into public.model_entries (set_id, name, model_path, checksum, is_enabled, installed_at)
  select s.id, e.name, 'backend/models/' || s.name || '/' || e.name || '/model.bin', encode(sha256(e.name::bytea), 'hex'), true, '2024-02-01Z'
  from public.model_sets s join (values ('whisper', 'small'), ('whisper', 'medium'), ('whisper', 'large-v3'), ('voices', 'voices-3'))
    e (set, name) on e.set = s.name order by e.name`,
];

const SETTINGS = `
  insert into public.settings (key, value, updated_at)
  values ('uploads.largest_bytes', '2147483648', '2024-01-01Z'), ('retention.exports_days', '30', '2024-01-01Z'),
    ('mail.sender', '"selenite@selenite.example"', '2024-01-01Z')`;

/** Files of the forty newest jobs and of every model, and one of each other kind. */
const FILES = `
  with newest as (select * from public.jobs order by created_at desc, id limit 40)
  select media_path as key, 'audio of ' || original_filename as text from newest
  union all select t.file_path, 'transcript of ' || j.original_filename from newest j join public.transcripts t on t.job_id = j.id
  union all select model_path, 'weights of ' || name from public.model_entries
  union all select 'storage/exports/2026-03.zip', 'an export'
  union all select 'storage/backups/2026-03-01/manifest.json', '{"files":[]}'
  union all select 'logs/2026-03-01.log', 'started'
  order by key`;
