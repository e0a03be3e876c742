/** The control database is brought up to date by its own function, before anything that needs it is live. */
import { readdirSync, readFileSync } from "node:fs";
import type { DeployedFunction, FunctionsOptions } from "./functions.ts";
import type { Place } from "./place.ts";

/** Called anew for each version of the function, and whenever there are other migrations; a refusal ends the deployment. */
export function prepareControl(
  { settings }: Place,
  { function: prepare }: DeployedFunction,
  { network, control }: FunctionsOptions,
): aws.lambda.Invocation {
  const input = JSON.stringify({ migrations: readMigrations(), firstPerson: settings.firstPerson });
  return new aws.lambda.Invocation(
    "Preparation",
    { functionName: prepare.name, qualifier: prepare.version, input },
    // It is called at once: without a way out of the network it would wait for AWS's services in vain.
    { dependsOn: [...control.ready, ...(network?.ready ?? [])] },
  );
}

function readMigrations(): { path: string; text: string }[] {
  const folder = `${$cli.paths.root}/migrations`;
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({ path: `migrations/${name}`, text: readFileSync(`${folder}/${name}`, "utf8") }));
}
