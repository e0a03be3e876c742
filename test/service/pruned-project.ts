/** A small archive whose working material may go: jobs with rounds and images, finals that name rounds, events; and a policy for it. */
import { createHash } from "node:crypto";
import * as aws from "@aws-sdk/client-s3";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { execute } from "../postgres.ts";

export const ARCHIVE = `
create table jobs (id bigint primary key, status text not null, archived_at timestamptz);
create table rounds (id bigint primary key, job_id bigint not null references jobs, number int not null);
create table images (id bigint primary key, round_id bigint not null references rounds, storage_key text not null, sha256 text not null, size_bytes bigint not null);
create table finals (id bigint primary key, job_id bigint not null references jobs, payload jsonb not null, sha256 text not null);
create table events (id bigint generated always as identity primary key, job_id bigint not null references jobs, kind text not null, detail jsonb);
`;

/** The policy, with other settings where they are given. */
export function archiveInventory(more = ""): string {
  return `owner: the archive
retention:
  jobs:
    root: jobs
    archived: { status: archived }
    since: archived_at
    grace: 30 days
    keep:
      - table: finals
        snapshot: { payload: payload, sha256: sha256, required: {} }
        references: [{ path: "$.rounds[*]", table: rounds, column: id }]
      - table: events
    prune:
      - table: rounds
      - table: images
        object: { key: storage_key, sha256: sha256, bytes: size_bytes }
    note: { table: events, columns: { job_id: record, kind: { text: pruned }, detail: summary } }
${more}`;
}

/** The project whose release has the policy. */
export const archiveProject = (more?: string): Record<string, string> => ({
  "rehearsal.yaml": "project: archive\n",
  "migrations/0001_make_archive.sql": ARCHIVE,
  "inventory.yaml": archiveInventory(more),
});

/** The bytes of an image. */
const imageOf = (id: number) => Buffer.from(`image ${id} `.repeat(50));

/**
 * Jobs 1 to `jobs`, each with three rounds and an image of each, of which its final names the first. The last is archived, but in
 * its grace; one more is not archived. Images lie in the bucket.
 */
export async function fillArchive(
  address: DatabaseAddress,
  client: aws.S3Client,
  bucket: string,
  jobs: number,
): Promise<void> {
  const rows: string[] = [];
  for (let job = 1; job <= jobs; job++) {
    const archived = job < jobs ? "now() - interval '60 days'" : "now()";
    rows.push(`insert into jobs values (${job}, 'archived', ${archived})`);
    for (const number of [1, 2, 3]) {
      const id = job * 10 + number;
      const bytes = imageOf(id);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      rows.push(`insert into rounds values (${id}, ${job}, ${number})`);
      rows.push(`insert into images values (${id}, ${id}, 'images/${id}', '${sha256}', ${bytes.length})`);
      await client.send(new aws.PutObjectCommand({ Bucket: bucket, Key: `images/${id}`, Body: bytes }));
    }
    rows.push(`insert into finals select ${job}, ${job}, p, encode(sha256(convert_to(p::text, 'UTF8')), 'hex')
      from (select '{"rounds": [${job * 10 + 1}]}'::jsonb as p) s`);
    rows.push(`insert into events (job_id, kind) values (${job}, 'archived')`);
  }
  rows.push(
    `insert into jobs values (${jobs + 1}, 'active', null); insert into rounds values (1, ${jobs + 1}, 1)`,
  );
  await execute(address, rows.join(";\n"));
}
