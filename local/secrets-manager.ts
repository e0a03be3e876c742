/** Secrets Manager on this machine: AWS's API on loopback over one private file per secret. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { AwsError, type AwsOperation, type Endpoint, operation, serveAwsJson } from "./aws-json.ts";
import { openPrivateFiles, type PrivateFiles } from "./private-files.ts";

/** One version: its id is the request token that made it, which is what makes a repeated request harmless. */
interface Version {
  id: string;
  string?: string;
  binary?: string;
  createdAt: number;
}

interface Secret {
  arn: string;
  name: string;
  description?: string;
  createdAt: number;
  changedAt: number;
  /** Set while it waits for its deletion; it cannot be read then. */
  deletedAt?: number;
  /** Oldest first; the last is AWSCURRENT, the one before it AWSPREVIOUS, and older ones are dropped, as AWS does in time. */
  versions: Version[];
}

const id = z.string().min(1).max(2048);
const token = z.string().min(32).max(64).optional();
const value = {
  SecretString: z.string().max(65_536).optional(),
  SecretBinary: z.string().max(87_384).optional(),
};

/** Starts the endpoint; secrets of an earlier run are there again. Files are 0600, replaced whole. */
export function startSecretsManager(options: { folder: string; port?: number }): Promise<Endpoint> {
  const operations = operationsOn(openPrivateFiles<Secret>(options.folder));
  return serveAwsJson({ target: "secretsmanager", version: "1.1", operations }, options.port);
}

function operationsOn(files: PrivateFiles<Secret>): Record<string, AwsOperation> {
  const found = (secretId: string): Secret => {
    const secret = files.all().find((one) => one.name === secretId || one.arn === secretId);
    if (secret === undefined)
      throw new AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    return secret;
  };
  const live = (secretId: string): Secret => {
    const secret = found(secretId);
    if (secret.deletedAt !== undefined)
      throw new AwsError(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    return secret;
  };

  return {
    CreateSecret: operation(
      z.object({
        Name: z.string().regex(/^[A-Za-z0-9/_+=.@-]{1,512}$/, "is not a secret's name"),
        Description: z.string().max(2048).optional(),
        ClientRequestToken: token,
        ...value,
      }),
      (request) => {
        const earlier = files.all().find((one) => one.name === request.Name);
        if (earlier !== undefined && !repeats(earlier, request))
          throw new AwsError(
            "ResourceExistsException",
            `The operation failed because the secret ${request.Name} already exists.`,
          );
        const secret = earlier ?? {
          arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${request.Name}-${suffix()}`,
          name: request.Name,
          ...(request.Description === undefined ? {} : { description: request.Description }),
          createdAt: Date.now(),
          changedAt: Date.now(),
          versions: hasValue(request) ? [versionOf(request)] : [],
        };
        if (earlier === undefined) files.put(secret);
        return identity(secret);
      },
    ),
    PutSecretValue: operation(z.object({ SecretId: id, ClientRequestToken: token, ...value }), (request) => {
      const secret = live(request.SecretId);
      if (!hasValue(request))
        throw new AwsError(
          "InvalidRequestException",
          "You must provide either SecretString or SecretBinary.",
        );
      const known = secret.versions.find((version) => version.id === request.ClientRequestToken);
      if (known !== undefined && !repeats(secret, request))
        throw new AwsError(
          "ResourceExistsException",
          "You can't modify an existing version: its ClientRequestToken was used with another value.",
        );
      if (known !== undefined) return { ...identity(secret, known), VersionStages: stagesOf(secret, known) };
      const version = versionOf(request);
      secret.versions = [...secret.versions.slice(-1), version];
      secret.changedAt = Date.now();
      files.put(secret);
      return { ...identity(secret, version), VersionStages: stagesOf(secret, version) };
    }),
    GetSecretValue: operation(
      z.object({ SecretId: id, VersionId: z.string().optional(), VersionStage: z.string().optional() }),
      (request) => {
        const secret = live(request.SecretId);
        const stage = request.VersionStage ?? (request.VersionId === undefined ? "AWSCURRENT" : undefined);
        const version = secret.versions.find(
          (one) =>
            (request.VersionId === undefined || one.id === request.VersionId) &&
            (stage === undefined || stagesOf(secret, one).includes(stage)),
        );
        if (version === undefined)
          throw new AwsError(
            "ResourceNotFoundException",
            `Secrets Manager can't find the specified secret value for ${stage ?? request.VersionId}`,
          );
        return {
          ...identity(secret, version),
          ...(version.string === undefined ? {} : { SecretString: version.string }),
          ...(version.binary === undefined ? {} : { SecretBinary: version.binary }),
          VersionStages: stagesOf(secret, version),
          CreatedDate: version.createdAt / 1000,
        };
      },
    ),
    DescribeSecret: operation(z.object({ SecretId: id }), (request) => {
      const secret = found(request.SecretId);
      return {
        ARN: secret.arn,
        Name: secret.name,
        ...(secret.description === undefined ? {} : { Description: secret.description }),
        CreatedDate: secret.createdAt / 1000,
        LastChangedDate: secret.changedAt / 1000,
        ...(secret.deletedAt === undefined ? {} : { DeletedDate: secret.deletedAt / 1000 }),
        VersionIdsToStages: Object.fromEntries(secret.versions.map((one) => [one.id, stagesOf(secret, one)])),
      };
    }),
    DeleteSecret: operation(
      z.object({
        SecretId: id,
        ForceDeleteWithoutRecovery: z.boolean().optional(),
        RecoveryWindowInDays: z.int().min(7).max(30).optional(),
      }),
      (request) => {
        const { RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force } = request;
        if (force && days !== undefined)
          throw new AwsError(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
          );
        const secret = force ? found(request.SecretId) : live(request.SecretId);
        const deletedAt = Date.now() + (force ? 0 : (days ?? 30) * 86_400_000);
        if (force) files.remove(secret);
        else files.put({ ...secret, deletedAt });
        return { ARN: secret.arn, Name: secret.name, DeletionDate: deletedAt / 1000 };
      },
    ),
  };
}

type Given = {
  ClientRequestToken?: string | undefined;
  SecretString?: string | undefined;
  SecretBinary?: string | undefined;
};

function hasValue(given: Given): boolean {
  return given.SecretString !== undefined || given.SecretBinary !== undefined;
}

function versionOf(given: Given): Version {
  return {
    id: given.ClientRequestToken ?? randomUUID(),
    ...(given.SecretString === undefined ? {} : { string: given.SecretString }),
    ...(given.SecretBinary === undefined ? {} : { binary: given.SecretBinary }),
    createdAt: Date.now(),
  };
}

/** True when the request is one that was taken before: the same token with the same value. */
function repeats(secret: Secret, given: Given): boolean {
  return secret.versions.some(
    (version) =>
      version.id === given.ClientRequestToken &&
      version.string === given.SecretString &&
      version.binary === given.SecretBinary,
  );
}

function identity(secret: Secret, version = secret.versions.at(-1)) {
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(version === undefined ? {} : { VersionId: version.id }),
  };
}

function stagesOf(secret: Secret, version: Version): string[] {
  if (version === secret.versions.at(-1)) return ["AWSCURRENT"];
  return version === secret.versions.at(-2) ? ["AWSPREVIOUS"] : [];
}

/** The six characters AWS puts after a secret's name in its ARN. */
function suffix(): string {
  return randomUUID().replaceAll("-", "").slice(0, 6);
}
