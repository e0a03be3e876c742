/** The one key of the deployment: what the bucket, the control database and the queue are encrypted with. */
import { deadLetterQueueArn, keyAlias } from "./deployment.ts";
import type { Place } from "./place.ts";

/** What the account's own administrators may do with it, written out: a key nobody may administer is lost. */
const ADMINISTRATION = [
  "kms:CancelKeyDeletion",
  "kms:CreateAlias",
  "kms:DeleteAlias",
  "kms:DescribeKey",
  "kms:DisableKey",
  "kms:DisableKeyRotation",
  "kms:EnableKey",
  "kms:EnableKeyRotation",
  "kms:GetKeyPolicy",
  "kms:GetKeyRotationStatus",
  "kms:ListGrants",
  "kms:ListKeyPolicies",
  "kms:ListResourceTags",
  "kms:PutKeyPolicy",
  "kms:RevokeGrant",
  "kms:ScheduleKeyDeletion",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:UpdateAlias",
  "kms:UpdateKeyDescription",
];

/** What a service does with it for whoever may use it; grants are how RDS and ECR go on after they were asked. */
const USE = [
  "kms:CreateGrant",
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:RetireGrant",
];

/** Its policy leaves it to the roles' own policies who uses it, and lets nobody use it but through the services named here. */
export function createKey({ deployment: d, permanent }: Place): aws.kms.Key {
  const account = { AWS: `arn:${d.partition}:iam::${d.account}:root` };
  const key = new aws.kms.Key(
    "Key",
    {
      description: `What ${d.app} ${d.stage} keeps`,
      enableKeyRotation: true,
      deletionWindowInDays: permanent ? 30 : 7,
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Sid: "Administer", Effect: "Allow", Principal: account, Action: ADMINISTRATION, Resource: "*" },
          {
            Sid: "UseThroughServices",
            Effect: "Allow",
            Principal: account,
            Action: USE,
            // In a key's policy this is the key itself, and nothing else can stand there.
            Resource: "*",
            Condition: {
              StringEquals: {
                "kms:ViaService": ["ecr", "rds", "s3", "secretsmanager", "sqs"].map(
                  (service) => `${service}.${d.region}.amazonaws.com`,
                ),
              },
            },
          },
          {
            // EventBridge is nobody's role: it asks by itself when it puts an event into the queue of the dead. Whose rules may
            // is for the queue's own policy to say; SQS is documented to hand on the queue, and nothing of who sends.
            Sid: "SealDeadEvents",
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            Resource: "*",
            Condition: {
              StringEquals: { "kms:EncryptionContext:aws:sqs:arn": deadLetterQueueArn(d) },
            },
          },
        ],
      }),
    },
    // What stays when a permanent stage is removed could be read by nobody without it.
    { retainOnDelete: permanent },
  );
  new aws.kms.Alias("KeyAlias", { name: keyAlias(d), targetKeyId: key.keyId });
  return key;
}
