/** Writes `backend/selenite.db` as the old service kept it: the same rows each time. */
import { createHash } from "node:crypto";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

export interface PrimaryOptions {
  /** How many jobs; everything else follows from it. */
  jobs: number;
}

/** Makes a new file. Dates are texts, instants numbers, enums names, identifiers hex: an ORM chose, over years. */
export function writePrimary(path: string, { jobs }: PrimaryOptions): void {
  const database = new DatabaseSync(path);
  database.exec(`pragma journal_mode = wal; ${SCHEMA}; begin`);
  const insert = (table: string, rows: Iterable<SQLInputValue[]>) => {
    let statement: ReturnType<DatabaseSync["prepare"]> | undefined;
    for (const row of rows) {
      statement ??= database.prepare(`insert into ${table} values (${row.map(() => "?").join(", ")})`);
      statement.run(...row);
    }
  };
  const users = Math.max(4, Math.ceil(jobs / 40));
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
  insert("users", numbers(users).map(user));
  insert(
    "user_settings",
    numbers(users).map((n) => [n, "auto", "medium", n % 2, `{"theme":"dark","scale":${n}.50}`, date(n)]),
  );
  insert(
    "jobs",
    numbers(jobs).map((n) => job(n, users)),
  );
  const completed = numbers(jobs).filter((n) => statusOf(n) === "COMPLETED");
  insert(
    "transcripts",
    completed.map((n, at) => [
      at + 1,
      hex(n),
      "srt",
      `storage/transcripts/${hex(n)}.srt`,
      500 + n * 7,
      date(n),
    ]),
  );
  insert(
    "transcripts_fts",
    completed.slice(0, 50).map((n) => [`words of recording ${n}`]),
  );
  insert(
    "tags",
    ["interview", "research", "zu prüfen 🎧"].map((name, at) => [at + 1, name, `#88aa0${at}`, date(at)]),
  );
  insert(
    "job_tags",
    numbers(jobs)
      .filter((n) => n % 3 === 0)
      .map((n) => [hex(n), 1 + (n % 2)]),
  );
  insert(
    "audit_logs",
    numbers(jobs).map((n) => [
      ...[n, 1 + (n % users), "job.created", "job", hex(n), `{"filename":"memo-${n}.m4a"}`],
      ...[`192.0.2.${n % 250}`, "Mozilla/5.0", BigInt(EPOCH + n * 1_001)],
    ]),
  );
  insert("model_providers", [
    [1, "local", null, null, 1, date(0)],
    [2, "hub", "https://models.example", Buffer.from("hub, encrypted").toString("base64"), 1, date(0)],
  ]);
  insert("model_sets", [[1, 2, "asr", "whisper", "speech to text", 1]]);
  insert("model_entries", [
    [
      1,
      1,
      "small",
      "backend/models/whisper/small/model.bin",
      createHash("sha256").update("small").digest("hex"),
      1,
      date(0),
    ],
  ]);
  insert("system_preferences", [[1, "Europe/Berlin", 0, 45, 2_700, '{"diarize":true}', date(9)]]);
  insert("settings", [
    ["uploads.largest_bytes", "2147483648", date(0)],
    ["mail.sender", '"selenite@selenite.example"', date(0)],
  ]);
  insert("alembic_version", [["3f2a9c"]]);
  // What was deleted leaves its number taken.
  database.exec(`insert into audit_logs (id, action, resource_type, created_ms) values (${jobs + 50}, 'x', 'x', 0);
    delete from audit_logs where id = ${jobs + 50}; commit`);
  database.close();
}

const EPOCH = Date.UTC(2025, 0, 1);

/** As the ORM writes a DateTime. */
function date(hours: number): string {
  return `${new Date(EPOCH + hours * 3_600_000).toISOString().slice(0, 19).replace("T", " ")}.${String(hours % 1_000_000).padStart(6, "0")}`;
}

function hex(n: number): string {
  return createHash("md5").update(`selenite job ${n}`).digest("hex");
}

function statusOf(n: number): string {
  return ["COMPLETED", "FAILED", "CANCELLED", "PROCESSING", "QUEUED"][n % 30] ?? "COMPLETED";
}

function user(n: number): SQLInputValue[] {
  const name = `user${n}`;
  return [
    n,
    name,
    `${name}@selenite.example`,
    `$2b$12$${hex(n)}`,
    Number(n === 1),
    Number(n % 50 === 0),
    n % 7 === 0 ? null : EPOCH / 1_000 + n + 0.25,
    date(n),
  ];
}

function job(n: number, users: number): SQLInputValue[] {
  const status = statusOf(n);
  const waits = status === "QUEUED";
  return [
    ...[hex(n), 1 + (n % users), `memo-${n}.m4a`, `storage/media/${hex(n)}.m4a`, 100_000 + n],
    ...[
      30 + n / 7,
      status,
      status === "COMPLETED" ? 100 : n % 99,
      waits ? "" : "medium",
      status === "COMPLETED" ? "de" : null,
    ],
    ...[status === "FAILED" ? "the audio stream ends before its header says" : null],
    ...[date(n), waits ? null : date(n), status === "COMPLETED" ? date(n + 1) : null],
  ];
}

const SCHEMA = `
  create table users (id integer not null primary key, username varchar(64) not null, email varchar(255) not null,
    password_hash varchar(128) not null, is_admin boolean not null, is_disabled boolean not null, last_login float,
    created_at datetime not null, unique (username), unique (email));
  create table user_settings (user_id integer not null primary key references users (id), default_language varchar(8) not null,
    default_model varchar(32) not null, diarization boolean not null, preferences json not null, updated_at datetime not null);
  create table jobs (id char(32) not null primary key, user_id integer not null references users (id), original_filename varchar not null,
    media_path varchar not null, media_bytes bigint not null, duration float, status varchar(10) not null, progress float not null,
    model_used varchar, language_detected varchar, error_message text, created_at datetime not null, started_at datetime,
    completed_at datetime);
  create table transcripts (id integer not null primary key, job_id char(32) not null references jobs (id), format varchar not null,
    file_path varchar not null, file_bytes bigint not null, created_at datetime not null);
  create virtual table transcripts_fts using fts5 (words);
  create table tags (id integer not null primary key, name varchar not null unique, color varchar not null, created_at datetime not null);
  create table job_tags (job_id char(32) not null references jobs (id), tag_id integer not null references tags (id),
    primary key (job_id, tag_id)) without rowid;
  create table audit_logs (id integer primary key autoincrement, user_id integer references users (id), action varchar not null,
    resource_type varchar not null, resource_id varchar, metadata json not null default '{}', ip_address varchar, user_agent varchar,
    created_ms bigint not null);
  create table model_providers (id integer not null primary key, name varchar not null, base_url varchar, api_key_encrypted text,
    is_enabled boolean not null, created_at datetime not null);
  create table model_sets (id integer not null primary key, provider_id integer references model_providers (id), type varchar not null,
    name varchar not null, description text, is_enabled boolean not null);
  create table model_entries (id integer not null primary key, set_id integer not null references model_sets (id), name varchar not null,
    model_path varchar not null, checksum varchar not null, is_enabled boolean not null, installed_at datetime not null);
  create table system_preferences (id integer not null primary key, server_timezone varchar not null, transcode_to_wav boolean not null,
    session_minutes integer not null, session_seconds integer, feature_flags json not null, updated_at datetime not null);
  create table settings (key varchar not null primary key, value json not null, updated_at datetime not null);
  create table alembic_version (version_num varchar(32) not null primary key);
  create view unfinished_jobs as select * from jobs where completed_at is null`;
