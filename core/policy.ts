/** What an environment asks of every promotion: parsed once when it is registered or changed. */
import * as z from "zod";
import { type Actor, may } from "./access.ts";
import { budgetsSchema } from "./budgets.ts";
import { configurationItem } from "./configuration.ts";
import { isLinkLocal } from "./link-local.ts";
import { storagePolicySchema } from "./storage.ts";

/** Where long steps run: in functions, which live a quarter of an hour, or in a container, which lives for hours. */
export type Compute = "lambda" | "fargate";

/** Seconds that Lambda lets a function live at most. */
export const FUNCTION_SECONDS = 900;

/** Of one backup: an account's new quota of functions at once is 10, and a server has to serve them all. */
const MOST_FUNCTIONS = 16;

const days = z.int().min(0).max(36_500);

const hook = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !URL.canParse(url) || !isLinkLocal(new URL(url).hostname), "it is a link-local address");

export const policySchema = z
  .strictObject({
    /** Who says go: nobody (`automatic`) or a person whose approval is bound to the evidence. */
    decision: z.enum(["automatic", "approval"]).default("automatic"),
    /** Whether a second person has to approve: whoever asked for the promotion cannot. True on role prod when left out, false elsewhere. */
    fourEyes: z.boolean().optional(),
    /** Seconds that an approval is waited for. */
    approvalTimeout: z.int().min(1).max(31_536_000).default(86_400),
    /** `auto`: only when something can fail after COMMIT; `always`; `never`: then a failure after COMMIT may have to be held. */
    fence: z.enum(["auto", "always", "never"]).default("auto"),
    /**
     * How production goes back after COMMIT. `swap`: a proved copy waits beside it and they change names, whatever the size.
     * `restore`: the copy's disk is given back after the rehearsal, and a copy is restored from the bucket when it is needed.
     */
    rollback: z.enum(["swap", "restore"]).default("swap"),
    /** Called by POST with the promotion as JSON; each must answer 2xx. */
    hooks: z
      .strictObject({ stop: hook.optional(), start: hook.optional(), smoke: hook.optional() })
      .prefault({}),
    /** Milliseconds one statement waits for a lock before it gives way; it is tried `lockRetries` times more. */
    lockTimeout: z.int().min(1).max(60_000).default(2_000),
    lockRetries: z.int().min(0).max(50).default(5),
    /** Milliseconds one statement of a migration may run. */
    statementTimeout: z.int().min(1).max(86_400_000).default(300_000),
    /** Whether a migration that is not additive needs a data plan; `required` on role prod when left out, `optional` elsewhere. */
    plans: z.enum(["required", "optional"]).optional(),
    /** What errors of the safety analysis do that no reason allows: `refuse` the promotion, or only stand in its plan and report. */
    lint: z.enum(["refuse", "warn"]).default("warn"),
    /** The schemas a migration's unqualified names are looked up in. */
    searchPath: z.array(z.string().min(1)).min(1).default(["public"]),
    /** The database from which others are made and renamed. */
    maintenanceDatabase: z.string().min(1).default("postgres"),
    /** The pg_dump of a newer Postgres on the machine where the service runs: for servers newer than the one it carries. */
    pgDump: z
      .string()
      .max(1_000)
      .regex(/^\/(?:[^/\0]+\/)*pg_dump$/, "it must be the whole path of a file named pg_dump")
      .optional(),
    /** Where long steps run: `lambda` gives each a quarter of an hour; `fargate` as long as `containerHours` says, and takes about a minute to start each. */
    compute: z.enum(["lambda", "fargate"]).default("lambda"),
    /** Hours that one step may take in its container; the way back is not cut short by it. */
    containerHours: z.int().min(1).max(168).default(24),
    /** Connections that copy in parallel. */
    connections: z.int().min(1).max(16).default(2),
    backup: z
      .strictObject({
        /** Functions that copy a promotion's backup at once, each by so many `connections`; 1 is the step alone. */
        functions: z.int().min(1).max(MOST_FUNCTIONS).default(1),
      })
      .prefault({}),
    /** Bytes of the disk that holds the server's databases: when given, a promotion begins only where its copies fit. */
    disk: z.int().min(1).optional(),
    /** Seconds that a server is waited for which does not answer, starts, or has no connection to spare, each time a step comes to it; the quickest has two minutes. */
    patience: z.int().min(0).max(90).default(60),
    /** Days that a backup is kept, by its class; a change is for backups taken from then on. */
    retention: z
      .strictObject({
        promotion: days.default(30),
        manual: days.default(90),
        archive: days.default(365),
        /** So many of the newest verified backups outlive their days. */
        keepVerified: z.int().min(0).max(1_000).default(1),
      })
      .prefault({}),
    /** Where the objects are that belong to the database; without it none are guarded. */
    storage: storagePolicySchema.optional(),
    drift: z
      .strictObject({
        /** Addresses of objects that others make and drop (partitions by a manager), `*` for anything: no drift, and in no fingerprint. */
        ignore: z.array(z.string().min(1).max(300)).max(100).default([]),
        /** How often the service looks for drift by itself. */
        look: z.enum(["hourly", "daily", "never"]).default("daily"),
      })
      .prefault({}),
    queries: z
      .strictObject({
        /** Whether whoever may only look may run the release's queries as well: their rows are production's. */
        viewers: z.boolean().default(false),
        /** The role that they run as, of which the login is a member: its rights, and the policies on rows made for it, hold. */
        role: z.string().min(1).max(63).optional(),
        /** Seconds that one may take. */
        seconds: z.int().min(1).max(20).default(15),
      })
      .prefault({}),
    /** What a release may cost at most, as its rehearsal measures it; without one nothing is refused for its cost. */
    budgets: budgetsSchema.prefault({}),
    /** What a backup captures besides, encrypted: `secret:NAME`, `parameter:NAME`, `s3://BUCKET/KEY`, `file:/PATH`. */
    configuration: z.array(configurationItem).max(100).default([]),
    /** `declared`: what inventory.yaml declares has to be whole; `required`: it has to declare tables and configuration. */
    inventory: z.enum(["declared", "required"]).default("declared"),
  })
  .prefault({});

export type Policy = z.infer<typeof policySchema>;

/** What of a policy names things that are not the environment's own: buckets, secrets and files, a program beside the service. */
const ELSEWHERE = ["storage", "configuration", "pgDump"] as const;

/** Whether the second of two policies names other such things than the first, or lets go of some. */
export function changesElsewhere(before: Policy, after: Policy): boolean {
  return ELSEWHERE.some((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part]));
}

/** What of an environment's policy the actor may see: addresses of hooks may hold secrets, which only whoever may change them needs. */
export function policyFor(actor: Actor, { name, policy }: { name: string; policy: Policy }): Policy {
  return may(actor, "administer", name) ? policy : policyForLog(policy);
}

/** The policy as it may stand in the log: hooks without user, password and query, which may be secret. */
export function policyForLog(policy: Policy): Policy {
  const hooks = Object.entries(policy.hooks).map(([name, url]) => [name, url && bareUrl(url)]);
  return { ...policy, hooks: Object.fromEntries(hooks) };
}

/** A URL's origin and path. */
export function bareUrl(text: string): string {
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}
