/** Where what could not be done ends: events and calls of the clock that no attempt of a function took. */
import { RULES } from "../workflows/calls.ts";
import { deadLetterQueueArn, deadLetterQueueName, ruleArn } from "./deployment.ts";
import type { Place } from "./place.ts";

/** Kept for 14 days, the most that SQS allows; an alarm tells of the first. */
export function createDeadLetters({ deployment: d }: Place, key: aws.kms.Key): aws.sqs.Queue {
  const queue = new aws.sqs.Queue("DeadLetters", {
    name: deadLetterQueueName(d),
    messageRetentionSeconds: 14 * 86_400,
    kmsMasterKeyId: key.arn,
    kmsDataKeyReusePeriodSeconds: 3_600,
  });
  new aws.sqs.QueuePolicy("DeadLettersPolicy", {
    queueUrl: queue.url,
    policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "RulesMayPutTheirs",
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: deadLetterQueueArn(d),
          Condition: {
            ArnEquals: {
              "aws:SourceArn": RULES.map(({ name, bus }) => ruleArn(d, name, bus)),
            },
          },
        },
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: deadLetterQueueArn(d),
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    }),
  });
  return queue;
}
