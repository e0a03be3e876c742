/** Rights beyond what the deployment itself keeps: the bus, mails, and what the settings list of the account's and of others'. */
import { busArn, type Deployment, emailIdentityArn, bucketArn as ownBucketArn } from "../deployment.ts";
import { allow, allowAny, type Grant, grant, type Statement } from "./statement.ts";

/** Tells the bus what happened, in our name only: of every event that one request holds. */
export const tellsBus: Grant = grant("put events on the bus", (d) => [
  allow("TellBus", ["events:PutEvents"], [busArn(d)], {
    "ForAllValues:StringEquals": { "events:source": "rehearsal" },
    // "For all values" holds of none as well.
    Null: { "events:source": "false" },
  }),
]);

/** Sends mails from one address. */
export const sendsMails: Grant = grant("send mails", (d, { email }) =>
  email === null
    ? []
    : [
        allow("SendMails", ["ses:SendEmail"], [emailIdentityArn(d, email.identity)], {
          StringEquals: { "ses:FromAddress": email.from },
        }),
      ],
);

/** Looks whether listed buckets keep versions: an environment's policy may name no others. */
export const looksAtStorage: Grant = grant(
  "look whether listed buckets of applications keep versions",
  (d, reach) => allowAny("LookAtStorage", ["s3:GetBucketVersioning"], buckets(d, reach.storageBuckets)),
);

/** Lists what applications keep there now. */
export const listsStorage: Grant = grant("list objects of listed buckets of applications", (d, reach) =>
  allowAny("ListStorage", ["s3:ListBucket", "s3:ListBucketVersions"], buckets(d, reach.storageBuckets)),
);

/** Copies earlier versions over what is there, with all that belongs to an object; removes none. */
export const putsStorageBack: Grant = grant(
  "put earlier versions back in listed buckets of applications",
  (d, reach) => {
    const objects = buckets(d, reach.storageBuckets).map((arn) => `${arn}/*`);
    return [
      ...allowAny(
        "PutStorageBack",
        [
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectVersionTagging",
          "s3:PutObject",
          "s3:PutObjectTagging",
          "s3:PutObjectRetention",
          "s3:PutObjectLegalHold",
          "s3:AbortMultipartUpload",
        ],
        objects,
      ),
      ...allowAny("UseKeysOfStorage", ["kms:Decrypt", "kms:GenerateDataKey"], [...reach.storageKeys], {
        StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
      }),
    ];
  },
);

/**
 * Reads what a prune seals in its bundle, hides it behind a marker, and puts it back from the bundle. No version is removed:
 * the bucket's own lifecycle does that, when its owner wants it to.
 */
export const prunesStorage: Grant = grant(
  "read objects of listed buckets of applications, hide them, and put them back",
  (d, reach) => [
    ...allowAny(
      "PruneStorage",
      ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
      buckets(d, reach.storageBuckets).map((arn) => `${arn}/*`),
    ),
    ...allowAny("UseKeysOfPruned", ["kms:Decrypt", "kms:GenerateDataKey"], [...reach.storageKeys], {
      StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
    }),
  ],
);

/** Reads what applications keep there: a policy is tested on it, and nothing of it is changed. */
export const readsStorage: Grant = grant("read objects of listed buckets of applications", (d, reach) => [
  ...allowAny(
    "ReadStorage",
    ["s3:GetObject"],
    buckets(d, reach.storageBuckets).map((arn) => `${arn}/*`),
  ),
  ...allowAny("UseKeysOfRead", ["kms:Decrypt"], [...reach.storageKeys], {
    StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
  }),
]);

/** Writes documents over older ones, which stay behind them as versions. */
export const replacesInStorage: Grant = grant(
  "replace objects of listed buckets of applications",
  (d, reach) => [
    ...allowAny(
      "ReplaceInStorage",
      ["s3:GetObject", "s3:PutObject"],
      buckets(d, reach.storageBuckets).map((arn) => `${arn}/*`),
    ),
    ...allowAny("UseKeysOfReplaced", ["kms:Decrypt", "kms:GenerateDataKey"], [...reach.storageKeys], {
      StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
    }),
  ],
);

/** Adds what an import brings; what is there is asked for by a condition of the put, and never written over. */
export const addsToStorage: Grant = grant("put objects into listed buckets of applications", (d, reach) => [
  ...allowAny(
    "AddToStorage",
    ["s3:PutObject"],
    buckets(d, reach.storageBuckets).map((arn) => `${arn}/*`),
  ),
  ...allowAny("UseKeysOfAdded", ["kms:GenerateDataKey"], [...reach.storageKeys], {
    StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
  }),
]);

/** Keeps stores of environments' data, below `stores/` of whatever root an environment has there; a file of one goes behind a marker. */
export const keepsStores: Grant = grant(
  "read, write and hide objects below stores/ in listed buckets of applications",
  (d, reach) => [
    ...allowAny(
      "KeepStores",
      ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
      buckets(d, reach.storageBuckets).map((arn) => `${arn}/*stores/*`),
    ),
    ...allowAny("UseKeysOfStores", ["kms:Decrypt", "kms:GenerateDataKey"], [...reach.storageKeys], {
      StringEquals: { "kms:ViaService": `s3.${d.region}.amazonaws.com` },
    }),
  ],
);

/** Reads configuration where the settings allow it, to seal it beside a backup. */
export const capturesConfiguration: Grant = grant("read listed configuration", (d, reach) => {
  const listed = reach.configurationObjects.map((item) => item.split(/\/(.*)/s));
  return [
    ...allowAny(
      "ReadConfigurationObjects",
      ["s3:GetObject"],
      listed.map(([bucket = "", key = ""]) => `arn:${d.partition}:s3:::${bucket}/${key}`),
    ),
    ...listed.map(([bucket = "", key = ""], place) =>
      allow(
        `ListConfigurationObjects${place + 1}`,
        ["s3:ListBucket"],
        [`arn:${d.partition}:s3:::${bucket}`],
        {
          StringLike: { "s3:prefix": [key] },
        },
      ),
    ),
    ...allowAny(
      "ReadConfigurationSecrets",
      ["secretsmanager:GetSecretValue"],
      reach.configurationSecrets.map((name) =>
        name.startsWith("arn:")
          ? name
          : `arn:${d.partition}:secretsmanager:${d.region}:${d.account}:secret:${name.endsWith("*") ? name : `${name}-??????`}`,
      ),
    ),
    ...allowAny(
      "ReadConfigurationParameters",
      ["ssm:GetParameters"],
      reach.configurationParameters.map((name) => parameterArn(d, name)),
    ),
    ...allowAny(
      "ListConfigurationParameters",
      ["ssm:GetParametersByPath"],
      // It is asked of a path, the listed one or one below it.
      reach.configurationParameters
        .filter((name) => name.endsWith("/*"))
        .flatMap((name) => [parameterArn(d, name.slice(0, -"/*".length)), parameterArn(d, name)]),
    ),
  ];
});

function parameterArn({ partition, region, account }: Deployment, name: string): string {
  return `arn:${partition}:ssm:${region}:${account}:parameter/${name.replace(/^\//, "")}`;
}

/** Whose databases: production's, by production's role, or copies of it, by the copies' own. */
export type Databases = "environments" | "copies";

/**
 * Logs in to listed databases by IAM, and takes a role in a listed account for those that are there. The roles' names tell the two
 * uses apart, so whoever makes copies cannot take production's.
 */
export function reachesDatabases(of: Databases): Grant {
  const whose = of === "environments" ? "environments" : "copies";
  return grant(`log in to listed databases as ${whose}`, (d, { databaseUsers, accounts }): Statement[] => [
    ...allowAny(
      of === "copies" ? "LogInToCopies" : "LogInToEnvironments",
      ["rds-db:connect"],
      [...databaseUsers[of]],
    ),
    ...allowAny(
      of === "copies" ? "TakeRoleForCopies" : "TakeRoleForEnvironments",
      ["sts:AssumeRole"],
      accounts.map((account) => `arn:${d.partition}:iam::${account}:role/rehearsal-${of}-*`),
    ),
  ]);
}

/** Never our own bucket: what is kept there is reached by rights on it alone. */
function buckets(d: Deployment, names: readonly string[]): string[] {
  return names.map((name) => `arn:${d.partition}:s3:::${name}`).filter((arn) => arn !== ownBucketArn(d));
}
