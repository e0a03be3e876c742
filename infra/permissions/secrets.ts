/** Rights on secrets: each use by itself, so that whoever reads those of copies cannot read those of environments. */
import { type Deployment, keyAlias, keyArns, type SecretUse, secretArns } from "../deployment.ts";
import { allow, allowAny, type Grant, grant, type Statement, sidOf } from "./statement.ts";

const WORDS: Record<SecretUse, string> = {
  "control-database": "the control database's address",
  "configuration-key": "the key that configuration is sealed under",
  environments: "environments' addresses, with production's role",
  copies: "addresses for copies, with the copies' role",
  destinations: "where notices go",
  "first-key": "the first person's key",
};

/** Reads the values of the secrets of one use. */
export function readsSecrets(use: SecretUse): Grant {
  return grant(`read ${WORDS[use]}`, (d) => readsOwn(d, use));
}

/** Makes secrets and gives them other values, of which it has to know none. */
export function writesSecrets(use: SecretUse): Grant {
  return grant(`write ${WORDS[use]}, without reading them`, (d) => [
    allow(
      `Write${sidOf(use)}`,
      ["secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"],
      [secretArns(d, use)],
    ),
    // Secrets Manager decrypts the data key that it wraps a value with, for a new value as well.
    usesKey(d, `Seal${sidOf(use)}`, ["kms:GenerateDataKey", "kms:Decrypt"], use),
  ]);
}

/** Sees that secrets are there; their values stay unread. */
export function findsSecrets(use: SecretUse): Grant {
  return grant(`see whether there is ${WORDS[use]}`, (d) => [
    allow(`Find${sidOf(use)}`, ["secretsmanager:DescribeSecret"], [secretArns(d, use)]),
  ]);
}

export function removesSecrets(use: SecretUse): Grant {
  return grant(`remove ${WORDS[use]}`, (d) => [
    allow(`Remove${sidOf(use)}`, ["secretsmanager:DeleteSecret"], [secretArns(d, use)]),
  ]);
}

/** Logs in to the control database, as every function does; its secret may be one of the user's, and its user one of IAM's. */
export const opensLedger: Grant = grant("log in to the control database", (d, { control }) => [
  ...(control.givenSecret === null
    ? readsOwn(d, "control-database")
    : readsGiven(d, "ReadGivenControl", control.givenSecret)),
  ...allowAny("LogInToControlDatabase", ["rds-db:connect"], control.users),
]);

/** Logs in as the control database's master, once, to make the user that all others log in as. */
export const opensAsMaster: Grant = grant("log in as the control database's master", (d, { control }) =>
  control.masterSecret === null ? [] : readsGiven(d, "ReadMasterOfControl", control.masterSecret),
);

function readsOwn(d: Deployment, use: SecretUse): Statement[] {
  return [
    allow(`Read${sidOf(use)}`, ["secretsmanager:GetSecretValue"], [secretArns(d, use)]),
    usesKey(d, `Open${sidOf(use)}`, ["kms:Decrypt"], use),
  ];
}

/** A secret that the deployment did not make. Secrets Manager opens it under whatever key it has; that key is not ours to name. */
function readsGiven(d: Deployment, sid: string, arn: string): Statement[] {
  return [
    allow(sid, ["secretsmanager:GetSecretValue"], [arn]),
    allow(`${sid}Key`, ["kms:Decrypt"], [keyArns(d)], {
      StringEquals: { ...forSecretsManager(d), "kms:EncryptionContext:SecretARN": arn },
    }),
  ];
}

/** Our key, used by Secrets Manager for secrets of this use and for nothing else. */
function usesKey(d: Deployment, sid: string, actions: string[], use: SecretUse): Statement {
  return allow(sid, actions, [keyArns(d)], {
    "ForAnyValue:StringEquals": { "kms:ResourceAliases": keyAlias(d) },
    StringEquals: forSecretsManager(d),
    StringLike: { "kms:EncryptionContext:SecretARN": secretArns(d, use) },
  });
}

function forSecretsManager(d: Deployment): Record<string, string> {
  return { "kms:ViaService": `secretsmanager.${d.region}.amazonaws.com` };
}
