/** A video library: promoted, refused a release that breaks on real data, and taken back from one that fails after COMMIT. */
import { fillProduction } from "../../examples/narralytica/generate.ts";
import { type Stage, say, tell } from "./stage.ts";

const SEGMENTS = 200_000;

export async function narralytica(stage: Stage): Promise<void> {
  const { layOut, rehearsal, contentOf, proveEqual, newestPromotion } = stage;
  const smoke = await stage.startSmokeTest();
  const production = await stage.makeProduction({ hooks: { smoke: smoke.url } });
  tell(
    `the service answers at ${stage.stack.url}; production is ${production.database} on port ${production.port}`,
  );

  say("Release 1 goes onto an empty production, which then fills with a generated video library");
  await layOut();
  await rehearsal(["promote", "prod", "--watch"], 0);
  await stage.withSession(production, (session) => fillProduction(session, { segments: SEGMENTS }));
  tell(`production holds ${(await contentOf(production)).rows.toLocaleString("en")} rows`);

  say("Release 2 adds speakers: what would run, then the promotion, then the rehearsal's report");
  await layOut("2-speakers");
  await rehearsal(["plan", "prod"], 3);
  await rehearsal(["promote", "prod", "--watch"], 0);
  await rehearsal(["report", await newestPromotion()], 0);

  say("Release 3 breaks on real data: the rehearsal finds out, and production is not touched");
  const before = await contentOf(production);
  await layOut("2-speakers", "3-broken");
  await rehearsal(["promote", "prod", "--watch"], 1);
  proveEqual(before, await contentOf(production));

  say("Release 4 is sound, but the services fail their smoke test after COMMIT: production is swapped back");
  smoke.status = 500;
  await layOut("2-speakers", "4-smoke-fails");
  await rehearsal(["promote", "prod", "--watch"], 1);
  proveEqual(before, await contentOf(production));
  const databases = await stage.withSession(production, (session) =>
    session.query<{ name: string }>(
      "select datname as name from pg_database where datname like 'narralytica%' order by 1",
    ),
  );
  tell(
    `databases: ${databases.map(({ name }) => name).join(", ")} (the failed one is kept until you drop it)`,
  );

  say("The promotion log, and its proof");
  await rehearsal(["log", await newestPromotion()], 0);
  await rehearsal(["log", "verify"], 0);
}
