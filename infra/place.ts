/** Where this deployment stands and what its user decided: everything else in infra/ is made from these. */
import type { Deployment } from "./deployment.ts";
import { isPermanent, readSettings, type Settings, stageName } from "./settings.ts";

export interface Place {
  deployment: Deployment;
  settings: Settings;
  /** True where removing the stage must not remove what it holds. */
  permanent: boolean;
}

/** Asks AWS for account and partition; the stage, the region and the rest are told by the program. */
export async function readPlace(): Promise<Place> {
  const settings = readSettings($cli.paths.root, $app.stage);
  const [{ accountId }, { partition }] = await Promise.all([aws.getCallerIdentity(), aws.getPartition()]);
  return {
    deployment: {
      app: "rehearsal",
      stage: stageName($app.stage),
      partition,
      region: settings.region,
      account: accountId,
    },
    settings,
    permanent: isPermanent($app.stage, settings),
  };
}
