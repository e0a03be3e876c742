/**
 * What each command writes with --json: the shapes that scripts may rely on. More may stand beside what is named here; what
 * is named stays as it is. docs/json.md is made of this, and the command's tests hold every document they ask for to it.
 */
import * as z from "zod";
import { checkSchema } from "../core/checkup.ts";
import * as answers from "./answers.ts";
import * as destinations from "./destination-answers.ts";
import { importReport } from "./files-import-text.ts";
import * as ledger from "./ledger-answers.ts";
import * as pruning from "./prune-answers.ts";
import { listedQueries, queryResult, writtenQuery } from "./query-answers.ts";
import * as reporting from "./reporting-answers.ts";
import * as storing from "./store-answers.ts";

const error = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

/** What takes the place of the result when the command fails; the exit code tells as well. */
export const refusal = z.object({ error });

const paths = z.array(z.string());

const release = z.looseObject({
  hash: z.string(),
  project: z.string(),
  files: z.number(),
  migrations: z.number(),
  bytes: z.number(),
  notes: paths.optional(),
  /** False when the service knew it; absent when it was only checked. */
  uploaded: z.boolean().optional(),
});

const lint = z.looseObject({
  files: z.number(),
  errors: z.number(),
  warnings: z.number(),
  suppressed: z.number(),
  findings: z.array(
    z.looseObject({
      rule: z.string(),
      severity: z.enum(["error", "warning"]),
      path: z.string(),
      line: z.number(),
      message: z.string(),
      hint: z.string(),
    }),
  ),
});

const drafted = z.looseObject({
  path: z.string(),
  migration: z.string(),
  statements: z.array(z.object({ line: z.number(), summary: z.string(), fingerprint: z.string() })),
});

const schema = z.looseObject({
  fingerprint: z.string(),
  differences: paths,
  /** With --check. */
  equal: z.boolean().optional(),
  written: paths.optional(),
  changed: z.string().optional(),
});

const inventory = z.looseObject({ environment: z.string(), problems: paths, remarks: paths });

const baseline = z.looseObject({
  task: z.string(),
  path: z.string(),
  takenAt: z.string(),
  tables: z.number(),
  rows: z.number(),
});

const taken = z.looseObject({ environment: z.string(), takenAt: z.string(), task: z.string() });

const exported = z.looseObject({
  task: z.string(),
  backup: z.string(),
  format: z.string(),
  path: z.string(),
  files: z.number(),
  bytes: z.number(),
});

const findings = z.looseObject({
  ok: z.number(),
  warnings: z.number(),
  failed: z.number(),
  environment: z.string().nullable(),
  here: z.array(checkSchema),
  service: z.array(checkSchema),
  database: z.array(checkSchema),
});

const pipeline = z.looseObject({ status: z.string() });

/** By the words of the command. Several: which, hangs on its options and arguments. */
export const JSON_SHAPES: Record<string, readonly [z.ZodType, ...z.ZodType[]]> = {
  dev: [z.object({ exit: z.number() })],
  init: [z.object({ project: z.string(), folder: z.string(), made: paths })],
  new: [z.object({ path: z.string(), paths })],
  lint: [lint],
  release: [release],
  "env add": [answers.environment],
  "env list": [z.looseObject({ environments: z.array(answers.environment) })],
  "env show": [answers.environment],
  "env policy": [answers.environment],
  "env copies": [answers.copiesCredentials],
  "issuer add": [z.looseObject({ name: z.string() })],
  "issuer list": [z.looseObject({ issuers: z.array(z.looseObject({ name: z.string() })) })],
  "issuer remove": [z.object({ name: z.string(), removed: z.literal(true) })],
  "destination add": [destinations.putDestination],
  "destination list": [z.object({ destinations: z.array(destinations.destination) })],
  "destination test": [z.looseObject({ delivered: z.boolean(), error: z.string().nullable() })],
  "destination deliveries": [destinations.deliveries],
  "destination redeliver": [z.object({ count: z.number() })],
  "destination remove": [z.object({ name: z.string(), removed: z.literal(true) })],
  adopt: [answers.task],
  "inventory init": [z.object({ path: z.string(), tables: z.number() })],
  "inventory check": [inventory],
  "inventory render": [z.union([z.object({ page: z.string() }), z.object({ path: z.string() })])],
  schema: [schema],
  "import files": [answers.task],
  "import sqlite": [answers.task],
  "import report": [importReport, z.object({ task: z.string(), path: z.string(), lines: z.number() })],
  "store check": [storing.checked],
  "store models": [storing.written],
  "store dump": [storing.dumped],
  "store export": [answers.task],
  "store sync": [answers.task],
  "store verify": [answers.task],
  "store cutover": [answers.task],
  "store abandon": [answers.task],
  "store import": [answers.task],
  "store status": [storing.stores],
  "store give-up": [storing.store],
  "squash make": [z.object({ task: z.string(), path: z.string(), gone: paths, release: z.string() })],
  "squash prove": [answers.task],
  "feed add": [z.object({ feed: z.string(), tables: paths, known: z.boolean(), sql: z.string(), paths })],
  drift: [answers.drift],
  diff: [answers.diff],
  plan: [answers.plan],
  "plan draft": [drafted, z.object({ drafted: z.array(drafted) })],
  promote: [answers.promotion, answers.detail],
  status: [answers.promotions, answers.detail],
  watch: [answers.detail, answers.task, pruning.pruneDetail],
  open: [z.object({ url: z.string(), opened: z.boolean() })],
  approve: [answers.promotion, answers.detail],
  reject: [answers.promotion],
  cancel: [answers.promotion],
  rollback: [answers.promotion, answers.detail],
  report: [
    z.looseObject({ comparison: z.looseObject({}).optional() }),
    z.object({ promotion: z.string(), format: z.string(), file: z.string() }),
  ],
  query: [queryResult, writtenQuery, listedQueries],
  "reporting list": [reporting.reports],
  "reporting run": [answers.task],
  "reporting runs": [answers.tasks],
  "reporting show": [answers.task],
  "reporting download": [reporting.downloaded],
  "reporting regenerate": [answers.task],
  "backup create": [answers.task],
  "backup list": [answers.backups],
  "backup show": [answers.backupDetail],
  "backup verify": [answers.task],
  "backup restore": [answers.task],
  "backup export": [exported],
  "backup hold": [answers.backup],
  "backup unhold": [answers.backup],
  "backup expire": [answers.task, answers.expirable],
  "backup tasks": [answers.tasks],
  "baseline take": [baseline],
  "baseline compare": [z.object({ before: taken, after: taken, differences: paths })],
  "prune policies": [pruning.policies],
  "prune test": [answers.task],
  "prune plan": [pruning.pruneDetail],
  "prune run": [pruning.pruneDetail],
  "prune sweep": [pruning.pruneDetail],
  "prune restore": [pruning.pruneDetail],
  "prune list": [pruning.prunes],
  "prune show": [pruning.pruneDetail],
  "prune hold": [pruning.hold],
  "prune release": [pruning.hold],
  "prune holds": [pruning.holds],
  log: [answers.logPage],
  "log verify": [answers.logProof.extend({ recomputed: z.number() })],
  "ledger verify": [ledger.ledgerProof],
  "ledger rebuild": [ledger.rebuildable, ledger.rebuilt],
  doctor: [findings],
  whoami: [answers.me],
  "key create": [answers.newKey],
  "key list": [z.object({ keys: z.array(answers.key) })],
  "key revoke": [answers.key],
  "person add": [answers.person],
  "person list": [z.object({ people: z.array(answers.person) })],
  "person roles": [answers.person],
  "person disable": [answers.person],
  "person enable": [answers.person],
  "person identity": [answers.identities],
  "ci github": [pipeline],
  "ci gitlab": [pipeline],
  completion: [z.object({ shell: z.string(), script: z.string() })],
};

/** The shapes of the command that a command line is for: the longest of its words that name one. */
export function shapesOf(words: readonly string[]): readonly z.ZodType[] {
  const named = words.filter((word) => !word.startsWith("-"));
  return JSON_SHAPES[named.slice(0, 2).join(" ")] ?? JSON_SHAPES[named[0] ?? ""] ?? [];
}
