/** One page of CloudWatch on which the service can be seen: promotions, backups, the log, and what AWS says of the parts. */
import { METRICS, type MetricName, metricNamespace } from "../core/metrics.ts";
import { deadLetterQueueName, type FunctionName, functionNameOf, prefix } from "./deployment.ts";
import type { Place } from "./place.ts";

interface Chart {
  title: string;
  metrics: unknown[][];
  statistic: string;
}

export function createDashboard(place: Place, api: { id: $util.Input<string> }): aws.cloudwatch.Dashboard {
  return new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: prefix(place.deployment),
    dashboardBody: $util.output(api.id).apply((id) => JSON.stringify(dashboard(place, id))),
  });
}

/** As CloudWatch reads it: two charts a row, each half of its width. */
function dashboard(place: Place, api: string) {
  const { region } = place.deployment;
  return {
    widgets: charts(place, api).map(({ title, metrics, statistic }, index) => ({
      type: "metric",
      ...{ x: (index % 2) * 12, y: Math.floor(index / 2) * 6, width: 12, height: 6 },
      properties: { title, metrics, region, stat: statistic, period: 300, view: "timeSeries" },
    })),
  };
}

function charts({ deployment: d }: Place, api: string): Chart[] {
  const ours = (title: string, ...names: MetricName[]): Chart => ({
    title,
    metrics: names.map((name) => [metricNamespace(d.stage), name]),
    statistic: METRICS[names[0] as MetricName].statistic,
  });
  const functions = (title: string, metric: string, statistic: string, ...names: FunctionName[]): Chart => ({
    title,
    metrics: names.map((name) => ["AWS/Lambda", metric, "FunctionName", functionNameOf(d, name)]),
    statistic,
  });
  return [
    ours(
      "How promotions ended",
      "PromotionPromoted",
      "PromotionRefused",
      "PromotionRolledBack",
      "PromotionHeld",
    ),
    ours("What was not as rehearsed", "VerificationFailed", "StepFailed", "TaskFailed", "BackupRefused"),
    ours("Bytes of backups", "BackupBytes"),
    ours("Age of the oldest environment's newest proved backup, in seconds", "VerifiedBackupAge"),
    ours("The log", "LogChainBroken", "PromotionsHeld"),
    ours("Waiting to be told outside, in seconds", "OutboxAge"),
    ours("Drift and notices", "DriftFound", "DriftUnseen", "DeliveryUndeliverable", "AccessRefused"),
    {
      title: "The API",
      metrics: ["Count", "4xx", "5xx"].map((metric) => [
        "AWS/ApiGateway",
        metric,
        "ApiId",
        api,
        "Stage",
        "$default",
      ]),
      statistic: "Sum",
    },
    functions("The API's and the lookers' time, in milliseconds", "Duration", "p99", "api", "look"),
    functions("Failed invocations", "Errors", "Sum", "migrate", "fence", "roll-back", "reconcile", "notify"),
    {
      title: "Given up",
      metrics: [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", deadLetterQueueName(d)]],
      statistic: "Maximum",
    },
  ];
}
