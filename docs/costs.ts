/** docs/operations/costs.md: what a promotion and a month of doing nothing cost, computed from prices and measures that stand here. */
import { table } from "./markdown.ts";

/** AWS's list prices in us-east-1, in US dollars, as its pricing pages had them when this was written; put yours in. */
const PRICES = {
  /** Lambda on arm64: a GB of memory for a second. */
  lambdaGbSecond: 0.0000133334,
  /** Fargate on arm64: a vCPU, and a GB of memory, for an hour. */
  fargateVcpuHour: 0.03238,
  fargateGbHour: 0.00356,
  /** Step Functions, standard: 1,000 transitions. */
  transitions: 0.025,
  /** S3 Standard: 1,000 PUTs, 1,000 GETs, a GB for a month. */
  puts: 0.005,
  gets: 0.0004,
  storedGbMonth: 0.023,
  /** Aurora Serverless v2: an ACU for an hour, a GB for a month. */
  acuHour: 0.12,
  auroraGbMonth: 0.1,
  /** A GB between two availability zones, both directions. */
  betweenZones: 0.02,
  /** A key of KMS and a secret, for a month. */
  key: 1,
  secret: 0.4,
  /** An hour of a t4g.nano, a GB of its gp3 disk for a month, an hour of a public IPv4 address, of a NAT gateway. */
  natInstanceHour: 0.0042,
  diskGbMonth: 0.08,
  addressHour: 0.005,
  natGatewayHour: 0.045,
} as const;

/**
 * What was measured at 1 GB (docs/performance.md), with client and server on the same two processors, and rounded up. Seconds
 * a GB of rows as COPY writes them.
 */
const MEASURED = {
  backUp: 7.2,
  restore: 12,
  /** Baselines, the clone, the proof of the rollback. */
  prove: 6,
  /** The bucket's bytes for a byte of rows. */
  compressed: 0.2,
  /** Rows come in pieces of this many MiB, an object each. */
  piece: 16,
} as const;

/** Seconds that the steps take whatever the size, cold starts and waiting for each other included. */
const FIXED = 60;
const MEMORY_GB = 2;
const CONTAINER = { vcpu: 2, gb: 4 };
const TRANSITIONS = 30;
/** Seconds that a paused control database stays awake behind the last call, and the least it is awake with, in ACU. */
const PAUSES_AFTER = 300;
const LEAST_ACU = 0.5;
const HOURS = 730;

export interface PromotionCost {
  seconds: number;
  compute: "Lambda" | "Fargate";
  parts: { compute: number; requests: number; workflow: number; control: number };
  /** The backup, for each month that it is kept. */
  keptMonth: number;
  /** Where functions and server are in two zones: every byte once out and once in. */
  zones: number;
}

/** US dollars for one promotion of a database of that many GB of rows, its migration itself taking no time. */
export function costOf(gb: number): PromotionCost {
  const { backUp, restore, prove, compressed, piece } = MEASURED;
  const seconds = FIXED + gb * (backUp + restore + prove);
  // The longest step must end within a function's 15 minutes.
  const compute = gb * restore < 900 * 0.8 ? "Lambda" : "Fargate";
  const hour = CONTAINER.vcpu * PRICES.fargateVcpuHour + CONTAINER.gb * PRICES.fargateGbHour;
  const objects = Math.ceil((gb * 1024) / piece) + 20;
  return {
    seconds,
    compute,
    parts: {
      compute: compute === "Lambda" ? seconds * MEMORY_GB * PRICES.lambdaGbSecond : (seconds / 3600) * hour,
      requests: (objects * PRICES.puts + objects * PRICES.gets) / 1000,
      workflow: (TRANSITIONS * PRICES.transitions) / 1000,
      control: ((seconds + PAUSES_AFTER) / 3600) * LEAST_ACU * PRICES.acuHour,
    },
    keptMonth: gb * compressed * PRICES.storedGbMonth,
    zones: 2 * gb * PRICES.betweenZones,
  };
}

/** US dollars a month while nobody promotes, part by part: `[what, how much, where it stands]`. */
export function idleCosts(wakesADay = 24): [what: string, dollars: number, note: string][] {
  const awake = (wakesADay * 30 * (PAUSES_AFTER + 20)) / 3600;
  return [
    [
      "functions, machines, API, bus, queue, schedules",
      0,
      "paid by use; the clock's calls are within what is free",
    ],
    ["ten alarms, one dashboard", 0, "within what is free, once an account"],
    ["the key", PRICES.key, "of the bucket, the control database and the queue"],
    [
      "secrets",
      3 * PRICES.secret,
      "the control database's, the wrapping key's, the first person's; two more for each environment",
    ],
    [
      "control database, its hours",
      awake * LEAST_ACU * PRICES.acuHour,
      `woken ${wakesADay} times a day by the clock, else paused; none where it is given`,
    ],
    ["control database, its disk", PRICES.auroraGbMonth, "at 1 GB"],
    [
      "the way out of the network",
      HOURS * (PRICES.natInstanceHour + PRICES.addressHour) + 8 * PRICES.diskGbMonth,
      `an instance; ${dollars(HOURS * (PRICES.natGatewayHour + PRICES.addressHour))} with the gateway AWS runs; none with an existing network, or with none`,
    ],
  ];
}

export function costsPage(): string {
  const sizes = [1, 100, 1000];
  const costs = sizes.map(costOf);
  const row = (what: string, of: (cost: PromotionCost) => string) => [what, ...costs.map(of)];
  const total = ({ parts }: PromotionCost) => Object.values(parts).reduce((sum, part) => sum + part, 0);
  const idle = idleCosts();
  return `# What it costs

Generated from \`docs/costs.ts\`, where the prices and measures stand: AWS's list prices in us-east-1 when it was written, in US dollars, without taxes and without what an account has free. Change them there to yours and run \`node docs/generate.ts\`. None of it was read from a bill: it is a calculation.

## One promotion

${table(
  ["", ...sizes.map((gb) => `${gb.toLocaleString("en")} GB`)],
  [
    row("runs on", ({ compute }) => compute),
    row("takes about", ({ seconds }) => duration(seconds)),
    row("compute", ({ parts }) => dollars(parts.compute)),
    row("requests to S3", ({ parts }) => dollars(parts.requests)),
    row("the state machine", ({ parts }) => dollars(parts.workflow)),
    row("the control database, awake", ({ parts }) => dollars(parts.control)),
    row("together", (cost) => dollars(total(cost))),
    row("its backup, each month that it is kept", ({ keptMonth }) => dollars(keptMonth)),
    row("and where functions and server are in two zones", ({ zones }) => dollars(zones)),
  ],
)}

For a database of _g_ GB of rows, as \`COPY\` writes them:

- seconds = ${FIXED} + _g_ × (${MEASURED.backUp} backup + ${MEASURED.restore} restore + ${MEASURED.prove} proofs), and what the migrations take, twice: on the copy and in production;
- on Lambda, while no step takes longer than 12 minutes: seconds × ${MEMORY_GB} GB × ${PRICES.lambdaGbSecond}; on Fargate: hours × (${CONTAINER.vcpu} × ${PRICES.fargateVcpuHour} + ${CONTAINER.gb} × ${PRICES.fargateGbHour});
- S3: a PUT and a GET for each ${MEASURED.piece} MiB of rows, and ${MEASURED.compressed} GB kept for each GB;
- ${TRANSITIONS} transitions; the control database at ${LEAST_ACU} ACU for that time and ${PAUSES_AFTER} s more.

A differential backup writes only what changed. Not counted, for it is yours already: the server that is promoted, and the disk of the two copies beside production, which is as large as production each until the promotion has ended (Aurora asks ${dollars(PRICES.auroraGbMonth)} a GB and month for it, by the hour).

## A month of doing nothing

${table(
  ["what", "a month", ""],
  [
    ...idle.map(([what, sum, note]) => [what, dollars(sum), note]),
    ["together", dollars(idle.reduce((all, [, sum]) => all + sum, 0)), ""],
  ],
)}

What costs nothing at all while idle is the service itself. With \`network: { kind: none }\` and a control database that is there anyway, the key and the secrets are left. A clock that calls less often (\`clock:\` in \`deploy/STAGE.yaml\`) leaves Aurora paused for longer: once a day instead of once an hour makes ${dollars(idleCosts(1)[4]?.[1] ?? 0)} of ${dollars(idle[4]?.[1] ?? 0)}, and what was left half done waits for longer.
`;
}

function dollars(amount: number): string {
  if (amount === 0) return "$0";
  return amount < 0.01 ? `$${amount.toFixed(4)}` : `$${amount.toFixed(2)}`;
}

function duration(seconds: number): string {
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
