/** The alarms of watch.ts in CloudWatch, and the topic that tells people of them. */
import { metricNamespace } from "../core/metrics.ts";
import { deadLetterQueueName, prefix, topicArn } from "./deployment.ts";
import type { Place } from "./place.ts";
import { idOf } from "./roles.ts";
import { type Watch, watches } from "./watch.ts";

/** Where the pages of the alarms are read. */
const PAGES = "docs/operations";

export function createAlarms(place: Place, api: { id: $util.Input<string> }): aws.cloudwatch.MetricAlarm[] {
  const topic = createTopic(place);
  const { deployment: d, settings } = place;
  return watches(settings).map(
    (watch) =>
      new aws.cloudwatch.MetricAlarm(`${idOf(watch.name)}Alarm`, {
        name: `${prefix(d)}-${watch.name}`,
        alarmDescription: `${watch.says} What to do: ${PAGES}/${watch.name}.md`,
        ...sourceOf(place, watch, api),
        ...thresholdOf(watch),
        ...{ statistic: watch.statistic, period: watch.period, evaluationPeriods: watch.periods },
        alarmActions: [topic.arn],
        okActions: [topic.arn],
      }),
  );
}

function sourceOf(
  { deployment: d }: Place,
  { of }: Watch,
  api: { id: $util.Input<string> },
): { namespace: string; metricName: string; dimensions?: Record<string, $util.Input<string>> } {
  if (of === "dead-letters")
    return {
      ...{ namespace: "AWS/SQS", metricName: "ApproximateNumberOfMessagesVisible" },
      dimensions: { QueueName: deadLetterQueueName(d) },
    };
  if (of === "api-5xx")
    return {
      namespace: "AWS/ApiGateway",
      metricName: "5xx",
      dimensions: { ApiId: api.id, Stage: "$default" },
    };
  return { namespace: metricNamespace(d.stage), metricName: of.metric };
}

/** Silence is no news, but where it is what is watched for. */
function thresholdOf({ atLeast, lessThan }: Watch) {
  return lessThan === undefined
    ? {
        ...{ comparisonOperator: "GreaterThanOrEqualToThreshold", threshold: atLeast ?? 1 },
        treatMissingData: "notBreaching",
      }
    : { comparisonOperator: "LessThanThreshold", threshold: lessThan, treatMissingData: "breaching" };
}

/** Not by our key: CloudWatch would need rights on it, and an alarm says nothing that is secret. */
function createTopic({ deployment: d, settings }: Place): aws.sns.Topic {
  const topic = new aws.sns.Topic("Alarms", {
    name: `${prefix(d)}-alarms`,
    policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AlarmsMayTell",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: "sns:Publish",
          Resource: topicArn(d),
          Condition: {
            StringEquals: { "aws:SourceAccount": d.account },
            ArnLike: {
              "aws:SourceArn": `arn:${d.partition}:cloudwatch:${d.region}:${d.account}:alarm:${prefix(d)}-*`,
            },
          },
        },
      ],
    }),
  });
  if (settings.alarms.email !== undefined)
    new aws.sns.TopicSubscription("AlarmsMail", {
      ...{ topic: topic.arn, protocol: "email", endpoint: settings.alarms.email },
    });
  return topic;
}
