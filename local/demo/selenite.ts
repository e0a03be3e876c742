/** A transcription service with files, configuration and a workspace: what nobody declared does not reach production. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fillBucket, fillProduction, layOutWorkspace } from "../../examples/selenite/generate.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { makeBuckets } from "./buckets.ts";
import { type Stage, say, tell } from "./stage.ts";

const JOBS = 4_000;

export async function selenite(stage: Stage): Promise<void> {
  const { layOut, rehearsal, contentOf, proveEqual, newestPromotion } = stage;
  await makeBuckets("selenite", "selenite-workspace");
  const [files, workspace] = [
    openObjectStore({ bucket: "selenite" }),
    openObjectStore({ bucket: "selenite-workspace" }),
  ];
  const state = async () => {
    const text = Buffer.from(await workspace.get("prod/.workspace-state.json")).toString();
    return (JSON.parse(text) as { state: string }).state;
  };
  const tellState = async (when: string) => tell(`.workspace-state.json ${when}: ${await state()}`);
  await layOutWorkspace(workspace, { name: "prod", role: "prod", state: "writeable" });
  const smoke = await stage.startSmokeTest();
  const policy = {
    hooks: { smoke: smoke.url },
    storage: { bucket: "selenite" },
    configuration: ["s3://selenite-workspace/prod/.env*", "s3://selenite-workspace/prod/.workspace-*"],
    inventory: "required",
  };
  const production = await stage.makeProduction(policy);
  tell(
    `the service answers at ${stage.stack.url}; production is ${production.database} on port ${production.port}`,
  );

  say("Release 1 goes onto an empty production, and the workspace says what becomes of it");
  await layOut();
  await tellState("before");
  smoke.asked = () => tellState("while it runs");
  await rehearsal(["promote", "prod", "--watch"], 0);
  await tellState("after");
  await stage.withSession(production, async (session) => {
    await fillProduction(session, { jobs: JOBS });
    const objects = await fillBucket(session, files);
    tell(
      `production holds ${(await contentOf(production)).rows.toLocaleString("en")} rows and ${objects} objects`,
    );
  });

  say("The inventory says what is there, and is written for people");
  await rehearsal(["inventory", "check", "prod"], 0);
  await rehearsal(["inventory", "render", "prod"], 0);

  say(
    "Release 2 adds a second factor, and nobody has said what its columns hold: it is refused, with the lines",
  );
  const before = await contentOf(production);
  await layOut("2-two-factor");
  await cp(join(stage.example, "inventory.yaml"), join(stage.project, "inventory.yaml"));
  await rehearsal(["promote", "prod", "--watch"], 1);
  proveEqual(before, await contentOf(production));
  await tellState("after the refusal");

  say("The lines stand in the inventory now, but the policy captures a secret that nobody declared");
  await layOut("2-two-factor");
  const undeclared = { ...policy, configuration: [...policy.configuration, "secret:selenite/smtp"] };
  await rehearsal(["env", "policy", "prod", await stage.writePolicy(undeclared)], 0);
  await rehearsal(["promote", "prod", "--watch"], 1);

  say("Mended: the release is promoted, its configuration captured before anything was touched");
  await rehearsal(["env", "policy", "prod", await stage.writePolicy(policy)], 0);
  await rehearsal(["promote", "prod", "--watch"], 0);
  await tellState("after");
  await rehearsal(["log", await newestPromotion()], 0);
  await rehearsal(["inventory", "check", "prod"], 0);
  files.close();
  workspace.close();
}
