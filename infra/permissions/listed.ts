/** What a user lists of things outside of the deployment that functions may touch: nothing listed, nothing granted. */
import * as z from "zod";

const bucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "use a bucket's name");
const dbuser = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:rds-db:[a-z0-9-]+:\d{12}:dbuser:[A-Za-z0-9-]+\/[\w.-]+$/,
    "use arn:aws:rds-db:REGION:ACCOUNT:dbuser:RESOURCE/USER",
  );
const list = <T extends z.ZodType>(of: T) => z.array(of).max(20).default([]);

/** The section `reach` of a stage's settings. */
export const reachSchema = z.strictObject({
  /** Buckets of applications, whose objects are listed with a backup and put back by a rollback. */
  storageBuckets: list(bucket),
  /** ARNs of the keys that objects of these buckets are encrypted under. */
  storageKeys: list(
    z.string().regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "use a key's ARN"),
  ),
  /** Where configuration is captured from: objects as `bucket/key`, with `*` at the end for all that begins so. */
  configurationObjects: list(
    z.string().regex(/^[a-z0-9.-]{3,63}\/[^*?]+\*?$/, "use bucket/key or bucket/beginning*"),
  ),
  /** And secrets: by name, with `*` at the end for all that begins so; those of other regions and accounts by their whole ARN. */
  configurationSecrets: list(
    z
      .string()
      .regex(
        /^(?:[A-Za-z0-9/_+=.@-]+\*?|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$/,
        "use a secret's name, its beginning and *, or its ARN",
      ),
  ),
  /** And parameters: by name, with `/*` at the end for all below a path. */
  configurationParameters: list(
    z.string().regex(/^(?:[\w.-]+|(?:\/[\w.-]+)+(?:\/\*)?)$/, "use a parameter's name, or a path and /*"),
  ),
  /** Accounts that environments are in besides this one. */
  accounts: list(z.string().regex(/^\d{12}$/, "use the account's twelve digits")),
  /** Users that log in to environments' databases by IAM: production's roles, and those of copies. */
  databaseUsers: z
    .strictObject({ environments: list(dbuser), copies: list(dbuser) })
    .default({ environments: [], copies: [] }),
});

export type Listed = z.infer<typeof reachSchema>;

/** Nothing: what a deployment reaches outside of itself unless it is told more. */
export const NO_REACH: Listed = reachSchema.parse({});
