/**
 * Who may do what, in one table: read it from the top, as docs/permissions.md shows it. A role has what stands in its row and
 * nothing else, and each right is written out in the file of its family.
 * Long because it is one table.
 */
import { CLOCK_FUNCTIONS } from "../../workflows/calls.ts";
import type { Deployment, FunctionName, MachineName, RoleName } from "../deployment.ts";
import { CONTROL_USER, type Surroundings } from "../settings.ts";
import {
  erases,
  findsUploads,
  hides,
  locks,
  looksAtBucket,
  opensObjects,
  reads,
  uploads,
  writes,
} from "./artifacts.ts";
import {
  calls,
  callsItsFunctions,
  deliversLogs,
  fetchesImage,
  runsContainer,
  samplesTraces,
} from "./callers.ts";
import { compact } from "./compact.ts";
import {
  answersByPolicy,
  answersDecisions,
  answersForContainer,
  beats,
  invokes,
  looksAtMachines,
  starts,
} from "./machines.ts";
import {
  addsToStorage,
  capturesConfiguration,
  keepsStores,
  listsStorage,
  looksAtStorage,
  prunesStorage,
  putsStorageBack,
  reachesDatabases,
  readsStorage,
  replacesInStorage,
  sendsMails,
  tellsBus,
} from "./outside.ts";
import { reachOf } from "./reach.ts";
import { attaches, leavesDeadLetters, logsAs, logsContainer, traces } from "./runtime.ts";
import {
  findsSecrets,
  opensAsMaster,
  opensLedger,
  readsSecrets,
  removesSecrets,
  writesSecrets,
} from "./secrets.ts";
import type { Grant, Statement } from "./statement.ts";

export type { Statement } from "./statement.ts";
export { UNSCOPED } from "./unscoped.ts";

/** Every function: its log, its traces, its way into the network, and the ledger. */
const every = (name: FunctionName): Grant[] => [logsAs(name), traces, attaches, opensLedger];

/** Who changes the ledger tells of it: by copies of its rows and of the log, which are written once, and on the bus. */
const tells: Grant[] = [writes("log/", "ledger/"), locks("log/"), locks("ledger/"), tellsBus, opensObjects];

/** A step writes below its own name in each promotion, and nowhere else there. */
const step = (name: FunctionName): Grant[] => [...every(name), ...tells, writes(`promotions/*/${name}/`)];

/** Production's databases, by production's role. */
const production: Grant[] = [readsSecrets("environments"), reachesDatabases("environments")];

/** Copies of them, by the copies' role. */
const copies: Grant[] = [readsSecrets("copies"), reachesDatabases("copies")];

const takesBackups: Grant[] = [
  reads("backups/"),
  writes("backups/"),
  uploads("backups/"),
  locks("backups/"),
  hides("backups/"),
];

/** The objects of a backup alone: what it stands on, and what is told of it, is the step's. */
const copiesUnits: Grant[] = [
  writes("backups/"),
  uploads("backups/"),
  locks("backups/"),
  hides("backups/"),
  opensObjects,
];

const rehearsed = reads("promotions/*/rehearse/");

export const TABLE: Readonly<Record<RoleName, readonly Grant[]>> = {
  admit: [...step("admit"), ...production, reads("releases/", "shapes/", "squashes/"), looksAtStorage],
  snapshot: [...step("snapshot"), ...production, writes("shapes/")],
  "back-up": [
    ...step("back-up"),
    ...production,
    ...takesBackups,
    listsStorage,
    capturesConfiguration,
    readsSecrets("configuration-key"),
  ],
  "back-up-worker": [...every("back-up-worker"), ...production, ...copiesUnits],
  restore: [...step("restore"), ...copies, reads("backups/", "shapes/")],
  rehearse: [...step("rehearse"), ...copies, reads("releases/", "backups/", "shapes/")],
  decide: [...step("decide"), answersByPolicy],
  fence: [
    ...step("fence"),
    ...production,
    ...takesBackups,
    rehearsed,
    reads("promotions/*/restore/", "shapes/"),
    listsStorage,
  ],
  migrate: [...step("migrate"), ...production, rehearsed, reads("releases/", "backups/")],
  verify: [
    ...step("verify"),
    ...production,
    rehearsed,
    reads("releases/", "backups/", "promotions/*/fence/"),
  ],
  open: [...step("open"), ...production, rehearsed, reads("releases/"), writes("shapes/")],
  "put-away": [...step("put-away"), ...copies],
  refuse: [...step("refuse"), ...production, reads("releases/")],
  "roll-back": [
    ...step("roll-back"),
    ...production,
    rehearsed,
    reads("releases/", "backups/", "shapes/", "promotions/*/restore/", "promotions/*/fence/"),
    putsStorageBack,
    listsStorage,
  ],
  hold: [...step("hold")],

  api: [
    ...every("api"),
    ...tells,
    starts("promotions", "rollbacks", "tasks", "prunes"),
    answersDecisions,
    invokes("look"),
    reads(
      "releases/",
      "promotions/",
      "backups/",
      "exports/",
      "tasks/",
      "prunes/",
      "shapes/",
      "log/",
      "intake/",
    ),
    writes("releases/", "intake/"),
    readsSecrets("destinations"),
    writesSecrets("destinations"),
    removesSecrets("destinations"),
    sendsMails,
    // What `rehearsal doctor` tries.
    reads("checks/"),
    writes("checks/"),
    hides("checks/"),
    looksAtBucket,
    looksAtMachines,
    findsSecrets("configuration-key"),
  ],
  look: [
    ...every("look"),
    ...tells,
    ...production,
    ...copies,
    writesSecrets("environments"),
    writesSecrets("copies"),
    reads("releases/", "shapes/", "squashes/", "promotions/"),
    writes("shapes/", "queries/"),
    uploads("queries/"),
    looksAtStorage,
    listsStorage,
  ],
  task: [
    ...every("task"),
    ...tells,
    ...production,
    ...copies,
    ...takesBackups,
    reads("releases/", "shapes/", "squashes/", "intake/", "exports/"),
    writes("shapes/", "squashes/", "tasks/", "exports/"),
    uploads("exports/"),
    erases("backups/", "exports/", "intake/"),
    listsStorage,
    readsStorage,
    addsToStorage,
    replacesInStorage,
    keepsStores,
    looksAtStorage,
  ],
  prune: [
    ...every("prune"),
    ...tells,
    ...production,
    reads("releases/", "prunes/"),
    writes("prunes/"),
    uploads("prunes/"),
    listsStorage,
    prunesStorage,
  ],
  // What is told of archived records, and what stands in databases of it, sets prunes off.
  archived: [
    ...every("archived"),
    ...tells,
    ...production,
    leavesDeadLetters,
    starts("prunes"),
    reads("releases/"),
  ],
  drain: [
    ...every("drain"),
    ...tells,
    ...production,
    leavesDeadLetters,
    starts("prunes"),
    reads("releases/"),
  ],
  answer: [...every("answer"), answersForContainer],
  reconcile: [
    ...every("reconcile"),
    ...tells,
    leavesDeadLetters,
    starts("promotions", "rollbacks", "tasks", "prunes"),
    answersDecisions,
    // Closes what died, which takes the credentials that this one must not have.
    invokes("task", "prune"),
  ],
  notify: [...every("notify"), ...tells, leavesDeadLetters, readsSecrets("destinations"), sendsMails],
  sweep: [
    ...every("sweep"),
    ...tells,
    ...copies,
    leavesDeadLetters,
    findsUploads,
    uploads("backups/", "exports/", "queries/"),
    reads("intake/", "backups/", "queries/"),
    erases("intake/", "backups/", "queries/"),
    looksAtBucket,
  ],
  drift: [...every("drift"), ...tells, ...production, leavesDeadLetters, reads("shapes/")],
  expire: [...every("expire"), ...tells, leavesDeadLetters, starts("tasks")],
  audit: [...every("audit"), ...tells, leavesDeadLetters, reads("log/", "ledger/")],
  prepare: [
    ...every("prepare"),
    opensAsMaster,
    readsSecrets("configuration-key"),
    writesSecrets("configuration-key"),
    writesSecrets("first-key"),
    writesSecrets("control-database"),
    // Whether there was a ledger, which a new control database does not know.
    reads("ledger/"),
  ],
  rebuild: [...every("rebuild"), reads("log/", "ledger/"), opensObjects],

  "machine-promotion": machine("promotion"),
  "machine-rollback": machine("rollback"),
  "machine-task": machine("task"),
  "machine-prune": machine("prune"),
  "machine-promotion-fargate": [...machine("promotion-fargate"), runsContainer],
  "machine-rollback-fargate": [...machine("rollback-fargate"), runsContainer],
  "machine-task-fargate": [...machine("task-fargate"), runsContainer],
  schedules: [calls(...CLOCK_FUNCTIONS)],

  // One image does every long step, so its role has what all of them have.
  container: [
    opensLedger,
    ...tells,
    beats,
    invokes("answer"),
    ...production,
    ...copies,
    ...takesBackups,
    reads("intake/", "releases/", "shapes/", "squashes/", "promotions/", "exports/"),
    writes("promotions/", "shapes/", "squashes/", "tasks/", "exports/"),
    uploads("exports/"),
    erases("backups/", "exports/", "intake/"),
    listsStorage,
    putsStorageBack,
    capturesConfiguration,
    readsSecrets("configuration-key"),
    replacesInStorage,
    keepsStores,
    looksAtStorage,
  ],
  "container-execution": [logsContainer, fetchesImage],
};

/** What the role may do, as statements of its one inline policy; each has a Sid of its own. */
export function statementsOf(name: RoleName, d: Deployment, around: Surroundings): Statement[] {
  const reach = reachOf(d, around, CONTROL_USER);
  const statements = new Map<string, Statement>();
  for (const { statements: of } of TABLE[name])
    for (const statement of of(d, reach)) {
      const standing = statements.get(statement.Sid);
      // Two rights may rest on the same statement; two statements of one name would be one right less.
      if (standing !== undefined && JSON.stringify(standing) !== JSON.stringify(statement))
        throw new Error(`${name} has two statements named ${statement.Sid}`);
      statements.set(statement.Sid, statement);
    }
  return compact([...statements.values()]);
}

function machine(name: MachineName): Grant[] {
  return [callsItsFunctions(name), deliversLogs, samplesTraces];
}
