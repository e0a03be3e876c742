/** What a user decides for each stage, in `deploy/<stage>.yaml`: parsed here once, and safe where nothing is said. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { didYouMean } from "../core/did-you-mean.ts";
import { RehearsalError } from "../core/errors.ts";
import { parseYamlFile } from "../core/yaml-file.ts";
import { CLOCK_FUNCTIONS, type ClockFunction } from "../workflows/calls.ts";
import { CONTAINER } from "../workflows/functions.ts";
import { NO_REACH, reachSchema } from "./permissions/listed.ts";

const subnet = z
  .string()
  .regex(/^subnet-[0-9a-f]{8,17}$/, "use a subnet's id, such as subnet-0a1b2c3d4e5f60718");
const secretArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+-\w{6}$/,
    "use the secret's whole ARN, with the six characters at its end",
  );
const rate = z
  .string()
  .regex(
    /^(?:rate\(\d+ (?:minutes?|hours?|days?)\)|cron\(\S+(?: \S+){5}\))$/,
    'use "rate(5 minutes)" or "cron(0 3 * * ? *)"',
  );
const httpsUrl = z.url({ protocol: /^https$/, error: "use an address that begins with https://" });

const networkSchema = z.discriminatedUnion("kind", [
  /** A network of its own. `egress`: a NAT instance of about 7 USD a month, or AWS's NAT gateway of about 33. */
  z.strictObject({
    kind: z.literal("new"),
    cidr: z
      .string()
      .regex(/^\d{1,3}(?:\.\d{1,3}){2}\.0\/16$/, "use a /16, such as 10.64.0.0/16")
      .default("10.64.0.0/16"),
    egress: z.enum(["instance", "gateway"]).default("instance"),
  }),
  /** The user's: its subnets must lead out to AWS's services, by a NAT or by endpoints. */
  z.strictObject({
    kind: z.literal("existing"),
    vpc: z.string().regex(/^vpc-[0-9a-f]{8,17}$/, "use a VPC's id, such as vpc-0a1b2c3d4e5f60718"),
    subnets: z.array(subnet).min(1).max(16),
  }),
  /** None: the functions reach what the internet reaches, and nothing costs anything while idle. */
  z.strictObject({ kind: z.literal("none") }),
]);

const controlDatabaseSchema = z.discriminatedUnion("kind", [
  /** Aurora Serverless v2, which pauses when nobody asks. ACU is about 2 GiB of memory. */
  z.strictObject({
    kind: z.literal("aurora"),
    /** The major alone lets RDS install the minor ones. */
    version: z
      .string()
      .regex(
        /^(?:16(?:\.(?:[3-9]|\d\d+))?|17(?:\.(?:[4-9]|\d\d+))?)$/,
        "use a version such as 17; Aurora pauses from 16.3 and 17.4 on",
      )
      .default("17"),
    maxAcu: z.number().min(1).max(256).multipleOf(0.5).default(4),
    /** Seconds without a connection until it pauses; 300 is AWS's least. */
    pauseAfter: z.int().min(300).max(86_400).default(300),
    backupDays: z.int().min(1).max(35).default(7),
  }),
  /** The user's: the secret holds its address, as `postgresql://…`. */
  z.strictObject({ kind: z.literal("given"), secret: secretArn }),
]);

const settingsSchema = z
  .strictObject({
    region: z
      .string()
      .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, "use a region's name, such as eu-west-1")
      .default("us-east-1"),
    /** Whether removing the stage leaves what it holds; only of "prod" this is so by itself. */
    permanent: z.boolean().optional(),
    network: networkSchema.default({ kind: "new", cidr: "10.64.0.0/16", egress: "instance" }),
    controlDatabase: controlDatabaseSchema.default({
      kind: "aurora",
      version: "17",
      maxAcu: 4,
      pauseAfter: 300,
      backupDays: 7,
    }),
    /** What runs long steps where an environment's policy says `compute: fargate`; without it none may say so. */
    container: z
      .strictObject({
        /** By its digest, so that it is what was pushed: docs/decisions/0044 says how it is made. */
        image: z
          .string()
          .regex(
            /^[a-z0-9][\w.-]*(?::\d+)?(?:\/[\w.-]+)+@sha256:[0-9a-f]{64}$/,
            "use the image with its digest, such as …amazonaws.com/rehearsal-prod-container@sha256:…",
          ),
        /** In 1,024ths of a processor. */
        cpu: z.literal([1_024, 2_048, 4_096]).default(CONTAINER.cpu),
        memoryMb: z.int().multipleOf(1_024).default(CONTAINER.memoryMb),
      })
      .refine(({ cpu, memoryMb }) => memoryMb >= 2 * cpu && memoryMb <= Math.min(8 * cpu, 30_720), {
        path: ["memoryMb"],
        error: "Fargate gives from 2,048 MB for each processor up to 8,192, and 30,720 at most to four",
      })
      .optional(),
    /** Ports that the functions may reach databases on. */
    databasePorts: z.array(z.int().min(1).max(65_535)).min(1).max(10).default([5432]),
    /** Where databases are, as far as is known: the functions reach those ports nowhere else. */
    databaseNetworks: z.array(z.cidrv4()).min(1).max(20).default(["0.0.0.0/0"]),
    /** What functions may touch outside of the deployment. */
    reach: reachSchema.default(NO_REACH),
    /** Days that what functions, machines and the API log is kept: one of those that CloudWatch knows. */
    logDays: z
      .union(
        [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827].map((days) =>
          z.literal(days),
        ),
      )
      .default(90),
    /** Days that nobody, whoever they are, removes a copy of the promotion log from the bucket; 0 locks nothing. */
    logLockDays: z.int().min(0).max(36_500).default(365),
    /** The name that the first person gets, an admin; the key is left in a secret. */
    firstPerson: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._@+-]{0,99}$/, "use lower-case letters, digits and ._@+-")
      .default("admin"),
    /** A domain of the user's for the API and the console, with its certificate in this region. */
    domain: z
      .strictObject({
        name: z
          .string()
          .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, "use a domain, such as rehearsal.example.com"),
        certificate: z.string().regex(/^arn:aws[a-z-]*:acm:\S+$/, "use the certificate's ARN"),
      })
      .optional(),
    /** Where people open the console, if that is neither the domain nor API Gateway's own address. */
    consoleUrl: httpsUrl.optional(),
    /** Who notices come from by mail: an address that SES knows, itself or by its domain. */
    emailFrom: z.email().optional(),
    /** The identity of SES that stands for it, where that is not the address: a domain. */
    emailIdentity: z.string().optional(),
    /** Who is called, and after how many days without a proved backup of an environment. */
    alarms: z
      .strictObject({ email: z.email().optional(), backupAgeDays: z.int().min(1).max(365).default(8) })
      .default({ backupAgeDays: 8 }),
    /** US dollars a month at which a mail is sent. */
    budget: z.strictObject({ monthlyUsd: z.number().positive() }).optional(),
    /** Whose pipelines may deploy this stage. */
    deployers: z
      .strictObject({
        github: z
          .array(z.string().regex(/^[\w.-]+\/[\w.-]+$/, "use owner/repository"))
          .max(20)
          .default([]),
        gitlab: z
          .array(z.string().regex(/^[\w.-]+(?:\/[\w.-]+)+$/, "use group/project"))
          .max(20)
          .default([]),
        /** On GitLab, whose tokens tell no environment to AWS: the protected branch that is deployed. */
        branch: z
          .string()
          .regex(/^[\w./-]+$/, "use a branch's name")
          .default("main"),
        /** `use` where the account knows the code host's tokens already: it can know each host once. */
        providers: z.enum(["make", "use"]).default("make"),
      })
      .default({ github: [], gitlab: [], branch: "main", providers: "make" }),
    /** How often the clock calls; a control database that pauses is awake for five minutes after each call. */
    clock: z
      .strictObject(
        Object.fromEntries(CLOCK_FUNCTIONS.map((name) => [name, rate.optional()])) as Record<
          ClockFunction,
          z.ZodOptional<typeof rate>
        >,
      )
      .default({}),
    /** Sandboxes that a function is kept to. An account's quota must leave 100 for the rest, and a new account's is 10. */
    concurrency: z
      .strictObject({ api: z.int().min(1).optional(), clock: z.int().min(1).optional() })
      .default({}),
  })
  .superRefine((settings, context) => {
    if (settings.network.kind === "none" && settings.controlDatabase.kind === "aurora")
      context.addIssue({
        code: "custom",
        path: ["network"],
        message: "Aurora is reached only within a network: name a VPC, or give a control database",
      });
    if (settings.network.kind === "none" && settings.container !== undefined)
      context.addIssue({
        code: "custom",
        path: ["network"],
        message: "a container runs only within a network: name a VPC, or leave container out",
      });
    if (
      settings.network.kind === "existing" &&
      settings.controlDatabase.kind === "aurora" &&
      settings.network.subnets.length < 2
    )
      context.addIssue({
        code: "custom",
        path: ["network", "subnets"],
        message: "Aurora wants two subnets, in two availability zones",
      });
  });

export type Settings = z.infer<typeof settingsSchema>;

/** What permissions are told besides: what is known only once it is there. */
export interface Surroundings extends Settings {
  /** Aurora's resource id, `cluster-…`, by which IAM knows who may sign in; null where the database is given. */
  controlCluster: string | null;
  /** The secret that RDS keeps the master's password in; only `prepare` reads it. */
  masterSecret: string | null;
  /** The repository of the container's image, by ARN; null where none is built. */
  imageRepository: string | null;
}

/** The user of the control database that functions sign in as, by IAM. */
export const CONTROL_USER = "rehearsal";
export const CONTROL_DATABASE = "rehearsal";

/** Reads `deploy/<stage>.yaml` below `root`; a stage without one gets the defaults. Throws `SettingsInvalid` with every problem, `ConfigInvalid` for what is no YAML. */
export function readSettings(root: string, stage: string): Settings {
  const path = `deploy/${stage}.yaml`;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(`${root}/${path}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return parseSettings(path, new Uint8Array());
  }
  return parseSettings(path, bytes);
}

export function parseSettings(path: string, bytes: Uint8Array): Settings {
  const parsed = settingsSchema.safeParse(parseYamlFile(path, bytes) ?? {});
  if (parsed.success) return parsed.data;
  throw settingsInvalid(path, parsed.error.issues.flatMap(describeIssue));
}

/** True where removing the stage must not remove its bucket, its databases and its network. */
export function isPermanent(stage: string, { permanent }: Settings): boolean {
  return permanent ?? stage === "prod";
}

/** The stage's name as names in AWS can carry it; throws `SettingsInvalid`. */
export function stageName(stage: string): string {
  if (/^[a-z][a-z0-9-]{0,12}$/.test(stage)) return stage;
  throw settingsInvalid("--stage", [
    `"${stage}" cannot be part of names in AWS: use a letter, then at most 12 lower-case letters, digits and hyphens`,
  ]);
}

function settingsInvalid(path: string, problems: readonly string[]): RehearsalError {
  return new RehearsalError("SettingsInvalid", { path, problems: problems.join("; ") });
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const where = issue.path.join(".");
  const at = (text: string) => (where === "" ? text : `${where}: ${text}`);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) =>
      at(
        `the key "${key}" is not known${where === "" ? `, ${didYouMean(key, Object.keys(settingsSchema.shape))}` : ""}`,
      ),
    );
  return [at(issue.message)];
}
