/** The old system's files: a folder for each job, with what has gone wrong in it over the years. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { payloadText } from "./fill.ts";
import {
  type Artifact,
  bytesOf,
  drawJob,
  type Job,
  type JobShape,
  type Payload,
  type Round,
  sha256Of,
} from "./job.ts";
import { drawOddity, ODDITIES, type Oddity, type Outcome } from "./oddities.ts";

export interface LegacyOptions extends JobShape {
  /** How many records; a second copy is a folder more. */
  jobs: number;
  /** False: every record is as it should be. */
  odd?: boolean;
}

export interface LegacyTree {
  /** Folders with a job_record.json, whole or not. */
  folders: number;
  files: number;
  bytes: number;
  /** Folders by what an import does with them. */
  outcomes: Record<Outcome, number>;
  /** Of each kind, the folders that have it, in the order of their numbers. */
  odd: Record<Oddity, string[]>;
}

/** Writes the tree into an empty or missing folder. A job of the old system is called L-… and so is its folder. */
export async function writeLegacyTree(folder: string, options: LegacyOptions): Promise<LegacyTree> {
  const kinds = Object.keys(ODDITIES) as Oddity[];
  const tree: LegacyTree = {
    ...{ folders: 0, files: 0, bytes: 0, outcomes: { imported: 0, listed: 0, refused: 0 } },
    odd: Object.fromEntries(kinds.map((kind) => [kind, [] as string[]])) as Record<Oddity, string[]>,
  };
  const write = async (name: string, files: Files) => {
    tree.folders++;
    for (const [path, bytes] of files) {
      tree.files++;
      tree.bytes += bytes.length;
      await writeFile(join(folder, name, path), bytes).catch(async () => {
        // The first file of a folder makes it.
        await mkdir(join(folder, name, path, ".."), { recursive: true });
        await writeFile(join(folder, name, path), bytes);
      });
    }
  };
  const one = async (number: number) => {
    const job = drawJob(number, { prefix: "L", ...options });
    const drawn = options.odd === false ? undefined : drawOddity(options.seed, number);
    const oddity = drawn !== undefined && canHave(job, drawn) ? drawn : undefined;
    const files = filesOf(job, oddity);
    if (oddity !== undefined) tree.odd[oddity].push(job.reference);
    // Of two copies the first in order is as it should be.
    tree.outcomes[oddity === undefined || oddity === "second copy" ? "imported" : ODDITIES[oddity].outcome]++;
    await write(job.reference, files);
    if (oddity !== "second copy") return;
    tree.outcomes.refused++;
    const copy = { ...job, site: { ...job.site, address: `${job.site.address} (rear)` } };
    await write(`${job.reference}_copy`, filesOf(copy, undefined));
  };
  await mkdir(folder, { recursive: true });
  for (let from = 1; from <= options.jobs; from += 50) {
    const numbers = Array.from({ length: Math.min(50, options.jobs + 1 - from) }, (_, index) => from + index);
    await Promise.all(numbers.map(one));
  }
  for (const references of Object.values(tree.odd)) references.sort();
  return tree;
}

/** Takes a tree away. */
export async function removeLegacyTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

type Files = Map<string, Buffer>;

/** Some disagreements need something to disagree about. */
function canHave({ final, rounds }: Job, oddity: Oddity): boolean {
  if (["other time of assessment", "other customer", "archived without a final"].includes(oddity))
    return final !== null;
  if (oddity === "final of an unknown round") return final !== null;
  if (oddity === "round without manifest") return rounds.some(({ status }) => status === "rejected");
  if (["wrong checksum", "missing media", "name in another case"].includes(oddity))
    return rounds.some(({ media }) => media.length > 0);
  return true;
}

function filesOf(job: Job, oddity: Oddity | undefined): Files {
  const files: Files = new Map();
  const gone = goneRound(job, oddity);
  for (const round of job.rounds) {
    if (round === gone) continue;
    files.set(`rounds/${round.number}/manifest.json`, Buffer.from(manifestOf(round, oddity)));
    for (const media of round.media) files.set(`rounds/${round.number}/${media.file}`, bytesOf(media));
  }
  for (const artifact of artifactsOf(job, gone)) files.set(fileOf(artifact), bytesOf(artifact));
  if (oddity === "missing media") files.delete(firstMedia(job));
  if (oddity === "file of nobody") files.set("Thumbs.db", Buffer.from([0, 1, 2, 255]));
  if (oddity !== "archived without a final")
    for (const payload of [job.final, job.correction])
      if (payload !== null) files.set(`final/${payload.kind}.json`, Buffer.from(finalOf(payload, oddity)));
  files.set("job_record.json", recordOf(job, oddity, gone));
  return files;
}

/** The round whose folder is gone, by the disagreement. */
function goneRound({ rounds }: Job, oddity: Oddity | undefined): Round | undefined {
  if (oddity === "round without manifest") return rounds.find(({ status }) => status === "rejected");
  if (oddity === "final of an unknown round") return rounds.find(({ status }) => status === "accepted");
  return undefined;
}

function artifactsOf({ artifacts }: Job, gone: Round | undefined): Artifact[] {
  return artifacts.filter(({ round }) => round === null || round !== gone?.reference);
}

const fileOf = ({ round, file }: Artifact) => (round === null ? `final/${file}` : `reviews/${file}`);

const firstMedia = ({ rounds }: Job) => {
  const round = rounds.find(({ media }) => media.length > 0);
  return `rounds/${round?.number}/${round?.media[0]?.file}`;
};

/** The old clocks: local time of Berlin, and no word of it. */
const zoneless = (time: string) => {
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone: "Europe/Berlin",
    dateStyle: "short",
    timeStyle: "medium",
  });
  return parts.format(new Date(time));
};

function manifestOf(round: Round, oddity: Oddity | undefined): string {
  const listed = (kind: "recording" | "image") =>
    round.media
      .filter((media) => media.kind === kind)
      .map((media) => {
        const bytes = bytesOf(media);
        const first = media === round.media[0];
        return {
          reference: media.reference,
          file: oddity === "name in another case" && first ? media.file.replace(".wav", ".WAV") : media.file,
          contentType: media.contentType,
          sha256: oddity === "wrong checksum" && first ? sha256Of(Buffer.from("another")) : sha256Of(bytes),
          bytes: bytes.length,
          ...(kind === "recording"
            ? { durationMs: media.durationMs, recordedAt: media.at }
            : { width: media.width, height: media.height, takenAt: media.at }),
        };
      });
  const { reference, number, status, operator, notes, startedAt, completedAt } = round;
  return json({
    ...{ reference, number, status, operator: operator.reference, notes, startedAt, completedAt },
    recordings: listed("recording"),
    images: listed("image"),
  });
}

function finalOf(payload: Payload, oddity: Oddity | undefined): string {
  if (oddity === "other time of assessment")
    // A leap year, as the years of the jobs may be.
    return payloadText({ ...payload, assessedAt: payload.assessedAt.replace(/^\d{4}/, "2016") });
  if (oddity === "other customer")
    return payloadText({ ...payload, customer: { reference: "C-00000", name: "the one before" } });
  return payloadText(payload);
}

function recordOf(job: Job, oddity: Oddity | undefined, gone: Round | undefined): Buffer {
  const time = (at: string | null) => (at !== null && oddity === "times without a zone" ? zoneless(at) : at);
  const address = oddity === "NUL in a text" ? `${job.site.address}\0` : job.site.address;
  const { operator, customer } = job;
  const artifacts = artifactsOf(job, gone);
  const text = json({
    reference: job.reference,
    legacyId: "LEGACY",
    status: job.status === "archived" ? "Archived" : job.status,
    customer,
    billing: job.billing,
    operator,
    operators: [
      ...new Map(
        [operator, ...job.rounds.map((round) => round.operator)].map((one) => [one.reference, one]),
      ).values(),
    ],
    site: { ...job.site, address },
    openedAt: oddity === "impossible time" ? "2024-02-31T10:00:00Z" : time(job.openedAt),
    archivedAt: time(job.archivedAt),
    rounds: job.rounds.length,
    final: job.final && { assessedAt: job.final.assessedAt, rounds: job.final.rounds.length },
    documents: artifacts.filter(({ round }) => round === null).map(entryOf),
    reviews: artifacts.filter(({ round }) => round !== null).map(entryOf),
    history: job.history.map((event) => ({ ...event, at: time(event.at) })),
  }).replace('"LEGACY"', String(job.legacyId));
  if (oddity === "byte-order mark") return Buffer.from(`\u{feff}${text}`);
  if (oddity === "broken JSON") return Buffer.from(text.slice(0, Math.floor(text.length / 2)));
  if (oddity === "bytes that are no UTF-8")
    return Buffer.from(text.replace(/("address": ")/, "$1Stra\u{df}e "), "latin1");
  return Buffer.from(text);
}

function entryOf(artifact: Artifact) {
  const bytes = bytesOf(artifact);
  const { reference, kind, contentType, round } = artifact;
  return {
    ...{ reference, kind, round, file: fileOf(artifact), contentType },
    ...{ sha256: sha256Of(bytes), bytes: bytes.length },
  };
}

const json = (value: unknown) => `${JSON.stringify(value, null, 1)}\n`;
