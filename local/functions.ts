/** What this machine's Lambda runs: the sources as they are, or bundles that were published as a deployment publishes them. */
import { join } from "node:path";
import type { Bindings } from "../workflows/binding.ts";
import type { FunctionLimits } from "../workflows/functions.ts";
import { FUNCTION_NAMES, LIMITS, MODULES } from "../workflows/modules.ts";
import { functionArn } from "./lambda/arn.ts";
import type { FunctionSettings } from "./lambda/execution-environment.ts";
import type { PublishedFunctions } from "./lambda/published.ts";

/** Other limits than a deployment gives, by the function's name. */
export type OwnLimits = Record<string, Partial<FunctionLimits>>;

/** Every function as its source. */
export function functionSources(limits: OwnLimits): Record<string, FunctionSettings> {
  const root = new URL("../functions/", import.meta.url);
  return Object.fromEntries(
    FUNCTION_NAMES.map((name) => [
      name,
      { ...LIMITS[name], ...limits[name], module: new URL(MODULES[name], root) },
    ]),
  );
}

/** Publishes what `npm run build` made in `bundles`; tells how a machine calls what was published now. */
export async function publishBundles(
  published: PublishedFunctions,
  bundles: string,
  limits: OwnLimits,
): Promise<Bindings["functionArn"]> {
  const arns = new Map<string, string>();
  for (const name of FUNCTION_NAMES) {
    const own = { ...LIMITS[name], ...limits[name] };
    const version = await published.publish(name, join(bundles, "functions", name), own);
    arns.set(name, functionArn(`${name}:${version}`));
  }
  return (name) => arns.get(name) ?? functionArn(name);
}
