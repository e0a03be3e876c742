/** One assessment as it would come of some weeks of work: the same for a database and for the files of the old system. */
import { createHash } from "node:crypto";
import { type Draw, drawing } from "./draw.ts";
import {
  type Billing,
  billingOf,
  type Customer,
  customerOf,
  customersOf,
  type Operator,
  operatorOf,
  STREETS,
  TOWNS,
} from "./people.ts";

export type JobStatus = "draft" | "active" | "review" | "archived" | "cancelled";

/** An uploaded file; its bytes are `bytesOf` it. */
export interface Media {
  reference: string;
  kind: "recording" | "image";
  /** Below the job's folder of media. */
  file: string;
  contentType: string;
  at: string;
  /** Of a recording. */
  durationMs: number;
  /** Of an image. */
  width: number;
  height: number;
}

export interface Round {
  reference: string;
  number: number;
  status: "open" | "submitted" | "accepted" | "rejected";
  operator: Operator;
  notes: { condition: string; remark: string };
  startedAt: string;
  completedAt: string | null;
  media: Media[];
}

export type ArtifactKind = "pdf" | "docx" | "geojson" | "review";

export interface Artifact {
  reference: string;
  kind: ArtifactKind;
  file: string;
  contentType: string;
  /** Null of outputs, which are of the whole job. */
  round: string | null;
}

export interface Payload {
  schema: 2;
  reference: string;
  kind: "final" | "correction";
  legacyId: bigint;
  assessedAt: string;
  customer: { reference: string; name: string };
  billing: { reference: string } | null;
  operator: { reference: string; name: string };
  site: { address: string; longitude: number; latitude: number };
  rounds: { reference: string; number: number }[];
  media: { reference: string }[];
  artifacts: { reference: string; kind: ArtifactKind }[];
  form: { purpose: string; condition: string; score: number; areaM2: number };
  findings: { code: string; severity: "minor" | "major" | "critical"; note: string }[];
  transcript: string;
}

export interface Job {
  reference: string;
  legacyId: bigint;
  customer: Customer;
  billing: Billing | null;
  operator: Operator;
  status: JobStatus;
  site: { address: string; longitude: number; latitude: number };
  openedAt: string;
  archivedAt: string | null;
  rounds: Round[];
  final: Payload | null;
  correction: Payload | null;
  artifacts: Artifact[];
  history: { reference: string; kind: string; actor: string; at: string }[];
}

export interface JobShape {
  seed: number;
  /** Rounds of a job, at most; 3 when left out. */
  rounds?: number;
  /** Media of a round, at most; 2 when left out. */
  media?: number;
  /** What its reference begins with: A for the application's, L for the old system's. */
  prefix?: string;
}

/** The job of that number, from 1. Of forty jobs thirty-four are archived, and of twelve archived ones one was corrected. */
export function drawJob(number: number, { seed, rounds: most = 3, media = 2, prefix = "A" }: JobShape): Job {
  const draw = drawing(seed, prefix, "job", number);
  const reference = `${prefix}-${String(number).padStart(6, "0")}`;
  const opened = Date.UTC(2024, 0, 1, 6) + number * 37 * 60_000;
  const status = STATUSES[number % 40] ?? "archived";
  const customer = customerOf(seed, draw.below(customersOf(number)));
  const operator = operatorOf(seed, draw.below(40));
  const site = {
    address: `${1 + draw.below(180)} ${draw.one(STREETS)}, ${draw.one(TOWNS)}`,
    longitude: 5 + draw.below(10_000_000) / 1_000_000,
    latitude: 46 + draw.below(8_000_000) / 1_000_000,
  };
  const rounds: Round[] = [];
  for (let n = 1; n <= 1 + draw.below(most); n++)
    rounds.push(drawRound(draw, { reference, n, media, opened, operator }));
  const last = rounds.at(-1);
  if (last === undefined) throw new Error("a job has a round");
  const archived = status === "archived";
  for (const round of rounds) round.status = round === last ? "open" : "rejected";
  if (archived) last.status = "accepted";
  else if (status === "draft") rounds.length = 0;
  const done = opened + (rounds.length + 1) * 3 * DAY;
  const artifacts = archived ? [...outputs(reference), ...reviews(rounds)] : reviews(rounds);
  const legacyId = (prefix === "L" ? OLD_NUMBERS : NEW_NUMBERS) + BigInt(number) * 3n;
  const billing = draw.chance(850) ? billingOf(customer) : null;
  const base = { reference, legacyId, customer, billing, operator, site, rounds: [last], artifacts, done };
  const final = archived ? drawPayload(draw, "final", base) : null;
  const corrected = final !== null && number % 12 === 5;
  return {
    ...{ reference, legacyId, customer, billing, operator, status, site, rounds, artifacts, final },
    openedAt: iso(opened),
    archivedAt: archived ? iso(done) : null,
    correction: corrected ? drawPayload(draw, "correction", base) : null,
    history: [
      { reference: `${reference}-H1`, kind: "assigned", actor: operator.reference, at: iso(opened + HOUR) },
      ...(archived
        ? [{ reference: `${reference}-H2`, kind: "released", actor: "office", at: iso(done - HOUR) }]
        : []),
    ],
  };
}

/** What was uploaded, or made: small, and another one's never. */
export function bytesOf(of: Media | Artifact): Buffer {
  if (of.kind === "geojson")
    return Buffer.from(`{"type":"FeatureCollection","features":[],"name":"${of.reference}"}\n`);
  if (of.kind === "pdf")
    return Buffer.from(`%PDF-1.4\n% ${of.reference}, as the old system made it\n%%EOF\n`);
  return Buffer.from(`${of.kind} ${of.reference}\n${of.reference.repeat(1 + (of.reference.length % 7))}\n`);
}

/** Hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Beyond 2^53, where a float would round them. */
const OLD_NUMBERS = 9_007_199_254_740_993n;
const NEW_NUMBERS = 9_207_199_254_740_993n;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const STATUSES: Record<number, JobStatus> = {
  1: "draft",
  2: "active",
  3: "active",
  4: "review",
  5: "review",
  6: "cancelled",
};

const iso = (milliseconds: number) => new Date(milliseconds).toISOString().replace(".000Z", "Z");

interface RoundOf {
  reference: string;
  n: number;
  media: number;
  opened: number;
  operator: Operator;
}

function drawRound(draw: Draw, { reference, n, media, opened, operator }: RoundOf): Round {
  const started = opened + n * 3 * DAY;
  const own = `${reference}-R${n}`;
  const files: Media[] = [];
  for (let m = 1; m <= media; m++) {
    const recording = m % 2 === 1;
    files.push({
      reference: `${own}-M${m}`,
      kind: recording ? "recording" : "image",
      file: `R${n}-M${m}.${recording ? "wav" : "jpg"}`,
      contentType: recording ? "audio/wav" : "image/jpeg",
      at: iso(started + m * 60_000),
      durationMs: 30_000 + draw.below(900_000),
      width: 640 + draw.below(8) * 160,
      height: 480 + draw.below(8) * 120,
    });
  }
  return {
    ...{ reference: own, number: n, operator, media: files },
    status: "open",
    notes: { condition: draw.one(CONDITIONS), remark: draw.one(REMARKS) },
    startedAt: iso(started),
    completedAt: iso(started + 2 * HOUR),
  };
}

interface PayloadOf
  extends Pick<Job, "reference" | "legacyId" | "customer" | "billing" | "operator" | "site"> {
  rounds: Round[];
  artifacts: Artifact[];
  done: number;
}

function drawPayload(draw: Draw, kind: Payload["kind"], of: PayloadOf): Payload {
  const { reference, legacyId, customer, billing, operator, site, rounds, artifacts, done } = of;
  const findings = Array.from({ length: draw.below(4) }, (_, index) => ({
    code: `F-${String(1 + draw.below(60)).padStart(2, "0")}`,
    severity: draw.one(["minor", "minor", "major", "critical"] as const),
    note: `${draw.one(REMARKS)} (${index + 1})`,
  }));
  return {
    schema: 2,
    ...{ reference, kind, legacyId, site, findings },
    assessedAt: iso(done - DAY + (kind === "correction" ? 6 * HOUR : 0)),
    customer: { reference: customer.reference, name: customer.name.trim() },
    billing: billing && { reference: billing.reference },
    operator: { reference: operator.reference, name: operator.name },
    rounds: rounds.map(({ reference: round, number }) => ({ reference: round, number })),
    media: rounds.flatMap(({ media }) => media.map((one) => ({ reference: one.reference }))),
    artifacts: artifacts
      .filter(({ round }) => round === null)
      .map((one) => ({ reference: one.reference, kind: one.kind })),
    form: {
      purpose: draw.one(["purchase", "insurance", "inheritance", "maintenance"]),
      condition: draw.one(CONDITIONS),
      score: draw.below(101),
      areaM2: 20 + draw.below(48_000) / 100,
    },
    transcript: `${draw.one(REMARKS)}. ${draw.one(REMARKS)}, and ${draw.one(REMARKS).toLowerCase()}.`,
  };
}

function outputs(reference: string): Artifact[] {
  return (
    [
      ["pdf", "report.pdf", "application/pdf"],
      ["docx", "report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
      ["geojson", "map.geojson", "application/geo+json"],
    ] as const
  ).map(([kind, file, contentType]) => ({
    ...{ reference: `${reference}-${kind}`, kind, file, contentType },
    round: null,
  }));
}

function reviews(rounds: readonly Round[]): Artifact[] {
  return rounds.map(({ reference, number }) => ({
    reference: `${reference}-review`,
    kind: "review",
    file: `R${number}-review.txt`,
    contentType: "text/plain",
    round: reference,
  }));
}

const CONDITIONS = ["good", "good", "fair", "fair", "poor", "unsafe"];
const REMARKS = [
  "The roof lets water in above the stairs",
  "Cracks in the north wall are older than the paint",
  "The cellar is dry",
  "Wiring is of three decades",
  "Windows on the street side were changed",
  "Nobody could open the attic",
];
