/** Metrics: told as lines of the log in CloudWatch's embedded format, so that no call leaves the function for them. */
import type { Metrics } from "@aws-lambda-powertools/metrics";
import { METRICS, type Measure, metricNamespace } from "../../core/metrics.ts";
import { whatItIsAbout } from "./about.ts";
import { SERVICE, stage } from "./stage.ts";
import { writing } from "./written.ts";

/**
 * Tells what was measured: once by nothing, and once by each dimension of the metric that is given. Resolves when it is
 * written. Nothing is told where POWERTOOLS_METRICS_DISABLED says so.
 */
export function measure(...measures: Measure[]): Promise<void> {
  if (measures.length === 0 || isOff()) return Promise.resolve();
  const { requestId } = whatItIsAbout();
  loading ??= load();
  return writing(
    loading.then((metrics) => {
      for (const one of measures) tell(metrics, one, requestId);
    }),
  );
}

let loading: Promise<Metrics> | undefined;

async function load(): Promise<Metrics> {
  const { Metrics } = await import("@aws-lambda-powertools/metrics");
  return new Metrics({ namespace: metricNamespace(stage()), serviceName: SERVICE });
}

/** All in one go: what is being put together belongs to whoever asked last. */
function tell(metrics: Metrics, { name, value, by, about }: Measure, requestId: string | undefined): void {
  const { unit, by: dimensions } = METRICS[name];
  // The stage is in the namespace, and the service's dimension would leave none without any.
  metrics.clearDefaultDimensions();
  metrics.addDimensions({});
  for (const dimension of dimensions) {
    const of = by?.[dimension];
    if (of !== undefined) metrics.addDimensions({ [dimension]: of });
  }
  for (const [key, known] of Object.entries({ requestId, ...about }))
    if (known !== undefined) metrics.addMetadata(key, String(known));
  metrics.addMetric(name, unit, value);
  metrics.publishStoredMetrics();
}

function isOff(): boolean {
  return /^(1|true|on|yes|y)$/i.test(process.env.POWERTOOLS_METRICS_DISABLED ?? "");
}
