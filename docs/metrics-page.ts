/** docs/metrics.md: every metric of core/metrics.ts as whoever makes an alarm looks one up. */
import { METRIC_NAMES, METRICS, metricNamespace } from "../core/metrics.ts";
import { table } from "./markdown.ts";

export function metricsPage(): string {
  const rows = METRIC_NAMES.map((name) => {
    const { unit, statistic, by, meaning } = METRICS[name];
    return [name, unit, statistic, by.join(", ") || "—", meaning];
  });
  return `# Metrics

Made from \`core/metrics.ts\` by \`node docs/generate.ts\`; do not edit. What they are for is told in [observability](operations/observability.md).

The namespace is \`${metricNamespace("STAGE")}\`. Each metric is there without a dimension, for the whole service, and once more by each of the dimensions named here, alone. "Of a period" is how its points are put together.

${table(["Metric", "Unit", "Of a period", "By", "Meaning"], rows)}
`;
}
