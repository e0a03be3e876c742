/** `npm run docs:screens`: the README's pictures, taken of the console while the video library is really promoted and taken back. */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { databaseUrl } from "../core/database-url.ts";
import { fillProduction } from "../examples/narralytica/generate.ts";
import { openStage, type Stage } from "../local/demo/stage.ts";
import { openBrowser } from "./browser.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, "docs/screens");

/** As many as make the charts speak. */
const SEGMENTS = 200_000;

/** A picture that is heavier does not belong in a repository. */
const MOST_BYTES = 150_000;

const THEMES = ["light", "dark"] as const;

const stage = await openStage("narralytica");
const browser = await openBrowser(join(ROOT, ".rehearsal/screens"));
try {
  await mkdir(FOLDER, { recursive: true });
  await play(stage, browser);
} finally {
  await browser.close();
  await stage.stop(false);
}
process.exit();

async function play({ layOut, rehearsal, ...rest }: Stage, window: Browser): Promise<void> {
  const smoke = await rest.startSmokeTest();
  const policy = { hooks: { smoke: smoke.url }, fence: "always" };
  const production = await rest.makeProduction(policy);
  await rest.withSession(rest.stack.server, (session) => session.execute("create database staging"));
  const staging = { ...production, database: "staging" };
  await rehearsal(["env", "add", "staging", "--role", "dev"], 0, {
    REHEARSAL_DATABASE_URL: databaseUrl(staging),
  });
  await layOut();
  for (const environment of ["prod", "staging"]) await rehearsal(["promote", environment, "--watch"], 0);
  await rest.withSession(production, (session) => fillProduction(session, { segments: SEGMENTS }));
  await rest.withSession(staging, (session) => fillProduction(session, { segments: SEGMENTS / 20 }));
  await rehearsal(["env", "policy", "prod", await rest.writePolicy({ ...policy, decision: "approval" })], 0);

  const page = await (
    await window.newContext({ baseURL: rest.stack.url, reducedMotion: "reduce" })
  ).newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(await linkOf(rest.stack.url, rest.stack.keys.reviewer));

  await layOut("2-speakers");
  await rehearsal(["promote", "staging", "--watch"], 0);
  await rehearsal(["drift", "prod"], 0);
  await rehearsal(["promote", "prod"], 0);
  const second = await rest.newestPromotion();
  await page.goto(`/console/promotions/${second}`);
  await page.locator("#step-decide.wait").waitFor();
  await take(page, "decision", 800);
  // The charts begin where the picture does.
  await page.evaluate("document.getElementById('rehearsal').scrollIntoView()");
  await take(page, "rehearsal", 800);
  await page.goto("/console");
  await take(page, "overview", 640);
  await approve(page, second, "Read the report; the backfill does what the plan says.");

  smoke.status = 500;
  await layOut("2-speakers", "4-smoke-fails");
  await rehearsal(["promote", "prod"], 0);
  const third = await rest.newestPromotion();
  await approve(page, third, "The index is built without keeping anybody out.");
  await page.evaluate("document.getElementById('step-decide').scrollIntoView()");
  await take(page, "rolled-back", 640);
}

async function approve(page: Page, id: string, comment: string): Promise<void> {
  await page.goto(`/console/promotions/${id}`);
  await page.getByLabel("Comment").fill(comment);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.locator("#promotion[data-over]").waitFor();
}

/** One picture in each theme, of what the window shows. */
async function take(page: Page, name: string, height: number): Promise<void> {
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 1200, height });
    const path = join(FOLDER, `${name}-${colorScheme}.png`);
    await page.screenshot({ path, animations: "disabled", caret: "hide" });
    const { size } = await stat(path);
    process.stdout.write(`${path}: ${Math.round(size / 1000)} kB\n`);
    if (size > MOST_BYTES) throw new Error(`${path} has ${size} bytes, more than ${MOST_BYTES}`);
  }
}

/** A link that signs a browser in as whoever has the key. */
async function linkOf(url: string, key: string): Promise<string> {
  const answer = await fetch(`${url}/sign-ins`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
  });
  if (!answer.ok) throw new Error(`no sign-in: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { path: string }).path;
}
