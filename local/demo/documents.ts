/** Documents of workspaces: a release that drops, renames and rewrites, refused without its data plans, taken back once, and then promoted. */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fillProduction } from "../../examples/documents/generate.ts";
import { type Stage, say, tell } from "./stage.ts";

const FILES = 120_000;

export async function documents(stage: Stage): Promise<void> {
  const { layOut, rehearsal, contentOf, proveEqual, newestPromotion } = stage;
  const smoke = await stage.startSmokeTest();
  const production = await stage.makeProduction({ hooks: { smoke: smoke.url } });
  tell(
    `the service answers at ${stage.stack.url}; production is ${production.database} on port ${production.port}`,
  );

  say("Release 1 goes onto an empty production, which then fills as it stood after some years");
  await layOut();
  await rehearsal(["promote", "prod", "--watch"], 0);
  await stage.withSession(production, (session) => fillProduction(session, { files: FILES }));
  tell(`production holds ${(await contentOf(production)).rows.toLocaleString("en")} rows`);

  say("Release 2 destroys and rewrites; nobody has said why, so it goes no further than its admission");
  const before = await contentOf(production);
  await layOut("2-target");
  await rm(join(stage.project, "plans"), { recursive: true });
  await rehearsal(["promote", "prod", "--watch"], 1);
  await rehearsal(["plan", "draft", "0010"], 0);

  say("With its data plans: what is covered, and what whoever runs it will notice");
  await layOut("2-target");
  await rehearsal(["plan", "prod"], 3);

  say("The services fail their smoke test after COMMIT: old feed, old names and every byte come back");
  smoke.status = 500;
  await rehearsal(["promote", "prod", "--watch"], 1);
  proveEqual(before, await contentOf(production));

  say("The services are mended; the backfill runs in slices, and the rehearsal counted what is lost");
  smoke.status = 200;
  await rehearsal(["promote", "prod", "--watch"], 0);
  await rehearsal(["report", await newestPromotion()], 0);
  await rehearsal(["drift", "prod"], 0);

  say("Every item of the work package, asked of production");
  await tellChecks(stage, production);
  await rehearsal(["log", "verify"], 0);
}

/** Runs each check of the release, which selects what is wrong. */
async function tellChecks(stage: Stage, production: Parameters<Stage["withSession"]>[0]): Promise<void> {
  const folder = join(stage.project, "checks");
  for (const name of (await readdir(folder)).sort()) {
    const text = await readFile(join(folder, name), "utf8");
    const found = await stage.withSession(production, async (session) => {
      await session.execute("set search_path = public");
      return session.query(text.trim().replace(/;$/, ""));
    });
    const [title = name] = text.split("\n");
    tell(`${found.length === 0 ? "holds" : `BROKEN by ${found.length} rows`}: ${title.replace(/^-- /, "")}`);
    if (found.length > 0) throw new Error(`checks/${name} found rows that are wrong`);
  }
}
