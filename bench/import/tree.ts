/** A tree of records for the bench: three documents each, with what a record of years has in it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const SCHEMA = `create schema rehearsal;
create table customers (id bigint generated always as identity primary key, code text not null unique, name text not null);
create table jobs (id bigint generated always as identity primary key, reference text not null unique,
  customer bigint not null references customers, opened timestamptz not null, amount numeric(12, 2), payload jsonb not null);
create table rounds (id bigint generated always as identity primary key, job bigint not null references jobs, number int not null,
  notes jsonb, unique (job, number));
create table events (id bigint generated always as identity primary key, job bigint not null references jobs, reference text not null unique,
  kind text not null, at timestamptz not null);
`;

export const TABLES = ["customers", "jobs", "rounds", "events"];

export const MAPPING = `records: { folders: "*/*" }
documents:
  round: { files: "rounds/*/manifest.json" }
rows:
  customer:
    table: customers
    key: [code]
    existing: keep
    columns: { code: $.customer.code, name: $.customer.name }
  job:
    table: jobs
    key: [reference]
    columns:
      reference: $.reference
      customer: { row: customer }
      opened: { path: $.opened, type: timestamptz }
      amount: { path: $.amount, type: numeric }
      payload: { path: $, type: json }
  round:
    table: rounds
    from: round
    key: [job, number]
    columns: { job: { row: job }, number: { path: $.number, type: integer }, notes: { path: $.notes, type: json } }
  event:
    table: events
    each: $.history[*]
    key: [reference]
    columns:
      reference: $.reference
      job: { row: job }
      kind: $.kind
      at: { path: $.at, type: timestamptz }
`;

const EVENTS = 20;

/** Writes so many records, a thousand in one folder, so that the names of one folder are few. */
export async function writeRecords(folder: string, count: number): Promise<{ files: number; bytes: number }> {
  let bytes = 0;
  const one = async (number: number) => {
    const reference = `J-${String(number).padStart(7, "0")}`;
    const at = join(folder, String(Math.floor(number / 1_000)).padStart(4, "0"), reference);
    const time = (minute: number) => new Date(1.6e12 + number * 6e5 + minute * 6e4).toISOString();
    const record = {
      reference,
      customer: { code: `C-${number % 500}`, name: `Customer ${number % 500}` },
      opened: time(0),
      amount: (number % 10_000) / 4,
      site: { address: `${number} Long Street`, longitude: 13.4, latitude: 52.5 },
      findings: Array.from({ length: 8 }, (_, place) => ({
        place,
        text: `what was found at place ${place} of ${reference}`,
      })),
      history: Array.from({ length: EVENTS }, (_, place) => ({
        ...{
          reference: `${reference}-${place}`,
          kind: ["opened", "visited", "reviewed"][place % 3],
          at: time(place),
        },
      })),
    };
    const texts = {
      "job_record.json": JSON.stringify(record, undefined, 1),
      "rounds/1/manifest.json": JSON.stringify({ number: 1, notes: { by: "somebody", said: "as expected" } }),
      "rounds/2/manifest.json": JSON.stringify({ number: 2, notes: { by: "another", said: "as before" } }),
    };
    for (const path of ["rounds/1", "rounds/2"]) await mkdir(join(at, path), { recursive: true });
    for (const [path, text] of Object.entries(texts)) {
      bytes += Buffer.byteLength(text);
      await writeFile(join(at, path), text);
    }
  };
  for (let from = 0; from < count; from += 32)
    await Promise.all(Array.from({ length: Math.min(32, count - from) }, (_, place) => one(from + place)));
  return { files: count * 3, bytes };
}
