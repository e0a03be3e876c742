/** Assessments from an old system's files: imported, promoted under the data, archived, pruned, and reported from what stays. */
import { fillProduction } from "../../examples/assessments/generate.ts";
import { type Stage, say, tell } from "./stage.ts";

const RECORDS = 5_000;
const SEED = 4;

export async function assessments(stage: Stage): Promise<void> {
  const { layOut, rehearsal, contentOf } = stage;
  const production = await stage.makeProduction({});
  say("Release 1");
  await layOut();
  await rehearsal(["promote", "prod", "--watch"], 0);
  await stage.withSession(production, (session) => fillProduction(session, { seed: SEED, jobs: RECORDS }));
  tell(`production holds ${(await contentOf(production)).rows.toLocaleString("en")} rows`);
  say("Release 2");
  await layOut("2-reporting");
  await rehearsal(["plan", "prod"], 3);
  await rehearsal(["promote", "prod", "--watch"], 0);
}
