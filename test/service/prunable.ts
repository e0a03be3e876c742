/** A small project whose jobs are archived and pruned: working rounds with recordings in a bucket, finals that stay. */
import * as aws from "@aws-sdk/client-s3";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { execute, rows } from "../postgres.ts";
import type { Service } from "./service.ts";

/** What production holds before anything is promoted. */
export const PRUNABLE_SCHEMA = `
create table jobs (id int primary key, status text not null, archived_at timestamptz);
create table rounds (id int primary key, job int not null references jobs, notes text not null);
create table recordings (
  id int primary key, round int not null references rounds, storage_key text not null unique, sha256 text not null, size int not null
);
create table finals (
  job int primary key references jobs, payload jsonb not null, payload_sha256 text not null
);
create table events (id int generated always as identity primary key, job int not null references jobs, kind text not null, detail text);
`;

/** The project; its one migration lets the database itself tell that a job was archived. */
export const PRUNABLE: Record<string, string> = {
  "rehearsal.yaml": "project: prunable\n",
  "migrations/0001_tell.sql": `create function tell_archived() returns trigger language plpgsql as $$
begin
  perform rehearsal.record_archived('jobs', new.id::text);
  return null;
end $$;
create trigger tell after update of status on jobs for each row when (new.status = 'archived') execute function tell_archived();
`,
  "inventory.yaml": inventoryOf({}),
};

/** The inventory, with other words in its policy: `automate`, `grace`, `rate`. */
export function inventoryOf(words: { automate?: boolean; grace?: string; rate?: number }): string {
  const { automate = false, grace = "0 days", rate = 60_000 } = words;
  return `storage: [media/]
retention:
  jobs:
    root: jobs
    archived: { status: archived }
    since: archived_at
    grace: ${grace}
    rate: ${rate}
    automate: ${automate}
    keep:
      - table: finals
        snapshot: { payload: payload, sha256: payload_sha256, required: {} }
        references: [{ path: "$.rounds[*]", table: rounds, column: id }]
    prune:
      - table: rounds
      - table: recordings
        object: { key: storage_key, sha256: sha256, bytes: size }
    note: { table: events, columns: { job: record, kind: { text: pruned }, detail: summary } }
`;
}

/**
 * Jobs with these numbers, each with three rounds and a recording in each: the first round is named by the final, so it stays with
 * its recording; the two others may go.
 */
export async function addJobs(
  service: Service,
  address: DatabaseAddress,
  bucket: string,
  ids: readonly number[],
  options: { archived?: boolean } = {},
): Promise<void> {
  const { archived = true } = options;
  const client = clientOf(service);
  const recordings: string[] = [];
  for (const job of ids)
    for (const round of [1, 2, 3]) {
      const id = job * 10 + round;
      const Body = `the recording of round ${id}`;
      await client.send(new aws.PutObjectCommand({ Bucket: bucket, Key: `media/${id}.wav`, Body }));
      recordings.push(`(${id}, ${id}, 'media/${id}.wav', '${sha256(Body)}', ${Body.length})`);
    }
  client.destroy();
  const each = `unnest(array[${ids.join(", ")}]) j`;
  await execute(
    address,
    `begin;
    insert into jobs select j, 'done' from ${each};
    insert into rounds select j * 10 + r, j, 'notes of ' || r from ${each}, generate_series(1, 3) r;
    insert into recordings values ${recordings.join(", ")};
    insert into finals select j, p, encode(sha256(convert_to(p::text, 'UTF8')), 'hex')
      from ${each}, jsonb_build_object('rounds', jsonb_build_array(j * 10 + 1)) p;
    commit;
    ${archived ? archiving(ids) : ""}`,
  );
}

function clientOf({ variables }: Service): aws.S3Client {
  return new aws.S3Client({ endpoint: variables.AWS_ENDPOINT_URL_S3 ?? "" });
}

/** SQL that archives jobs. */
export function archiving(ids: readonly number[]): string {
  return `update jobs set status = 'archived', archived_at = now() - interval '1 minute' where id in (${ids.join(", ")})`;
}

export async function bucketFor(service: Service, Bucket: string): Promise<string> {
  const client = clientOf(service);
  await client.send(new aws.CreateBucketCommand({ Bucket }));
  await client.send(
    new aws.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  client.destroy();
  return Bucket;
}

/** What is left of a job: its rows by table, its objects by key, and how often the database was told that it was pruned. */
export async function leftOf(service: Service, address: DatabaseAddress, bucket: string, job: number) {
  const [row] = await rows<{ rounds: string[]; recordings: string[]; finals: string[]; notes: number }>(
    address,
    `select array(select r::text from public.rounds r where job = $1 order by id) as rounds,
      array(select c::text from public.recordings c where round / 10 = $1 order by id) as recordings,
      array(select f::text from public.finals f where job = $1) as finals,
      (select count(*)::int from public.events where job = $1 and kind = 'pruned') as notes`,
    [job],
  );
  const client = clientOf(service);
  const objects: Record<string, string> = {};
  const { Contents = [] } = await client.send(
    new aws.ListObjectsV2Command({ Bucket: bucket, Prefix: `media/${job}` }),
  );
  for (const { Key = "" } of Contents)
    if (new RegExp(`^media/${job}[123]\\.wav$`).test(Key)) {
      const { Body } = await client.send(new aws.GetObjectCommand({ Bucket: bucket, Key }));
      objects[Key] = (await Body?.transformToString()) ?? "";
    }
  client.destroy();
  return { ...row, objects };
}
