/** Promotions as people see them: followed, decided and taken back in real browsers, each person in one of their own. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { Desk } from "./desk.ts";
import { focused, tabTo } from "./keyboard.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
const waiting: Record<string, string> = {};
let service: Service;
let desk: Desk;
let release: string;

async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `browser_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, { decision: "approval", ...policy });
  return address;
}

beforeAll(async () => {
  service = await new Service(server.address, "browser").start();
  desk = await Desk.open(service, "windows");
  release = await service.release(PROJECT);
  for (const name of ["lively", "quiet", "keys", "scriptless"]) await environment(name);
  for (const name of ["quiet", "keys"]) waiting[name] = await service.promote(name, release);
});

afterEach(() => {
  expect(desk.faults).toEqual([]);
});

afterAll(async () => {
  await desk?.close();
  await service.stop();
  await dropDatabases(...made);
});

describe("two people", () => {
  test("a promotion is started, followed, approved by a second person and ends, on a page that is loaded once", async () => {
    const operator = await desk.signedIn("operator");
    await operator.goto("/console/environments/lively");
    await operator.getByRole("link", { name: "Promote a release" }).click();
    await operator.getByRole("combobox", { name: "Release" }).selectOption(release);
    await operator.getByRole("button", { name: "Start the promotion of lively" }).click();
    await operator.waitForURL("**/console/promotions/*");
    let loads = 0;
    operator.on("load", () => loads++);
    await operator.locator("#step-decide.wait").waitFor();
    expect(await operator.title()).toBe("waiting: promotion of lively · Rehearsal");
    expect(await operator.locator("#rehearsal").getByRole("img").count()).toBeGreaterThan(1);

    const reviewer = await desk.signedIn("reviewer");
    await reviewer.getByRole("link", { name: "read what was rehearsed" }).first().waitFor();
    await reviewer.goto(operator.url());
    await reviewer.getByLabel("Comment").fill("two files, <b>both</b> short");
    await reviewer.getByRole("button", { name: "Approve" }).click();

    await operator.locator("#promotion[data-over] #step-open.good").waitFor();
    await operator.locator("#step-decide").getByText("two files, <b>both</b> short").waitFor();
    expect(await operator.title()).toBe("promoted: promotion of lively · Rehearsal");
    expect(await operator.locator("#said").textContent()).toBe(
      "The promotion of lively has ended: promoted.",
    );
    expect(loads).toBe(0);
  });

  test("whoever asked for a promotion is told that another decides, and a forged approval of theirs is refused with 403", async () => {
    const operator = await desk.signedIn("operator");
    await operator.goto(`/console/promotions/${waiting.quiet}`);
    const decision = operator.locator("#decision");
    await decision.getByText("You asked for this promotion; another approver must decide.").waitFor();
    expect(await decision.getByRole("button", { name: "Approve" }).count()).toBe(0);

    // The form that they have is sent to where the missing one would lead.
    const reject = decision.getByRole("button", { name: "Reject" });
    await reject.evaluate(
      (button, to) => button.setAttribute("formaction", to),
      `/console/promotions/${waiting.quiet}/approve`,
    );
    const [answer] = await Promise.all([
      operator.waitForResponse((response) => response.request().method() === "POST"),
      reject.click(),
    ]);
    expect(answer.status()).toBe(403);
    const alert = operator.getByRole("alert");
    await alert.getByText("OwnApproval").waitFor();
    expect(await alert.textContent()).toContain("Let a second person approve it");
    expect((await service.show(waiting.quiet ?? "")).status).toBe("waiting");
  });

  test("a page that is watched says that the service is away, and goes on by itself when it is back", async () => {
    const operator = await desk.signedIn("operator");
    await operator.goto(`/console/promotions/${waiting.quiet}`);
    let loads = 0;
    operator.on("load", () => loads++);
    await service.kill();
    const away = operator.locator("#away");
    await away.getByText("The service does not answer").waitFor();
    await service.start();
    await away.waitFor({ state: "hidden" });
    expect(await operator.locator("#said").textContent()).toBe("The service answers again.");
    await service.must("POST", `/promotions/${waiting.quiet}/cancel`);
    await operator.locator("#promotion[data-over] #step-refuse.good").waitFor();
    expect(loads).toBe(0);
  });
});

describe("one way alone", () => {
  test("by the keyboard: one skips to the content, signs in, comes to the button and approves, and always sees where one is", async () => {
    const reviewer = await desk.window();
    await reviewer.goto(`/console/promotions/${waiting.keys}`);
    await reviewer.keyboard.press("Tab");
    expect(await focused(reviewer)).toBe("Skip to the content");
    await reviewer.keyboard.press("Enter");
    await tabTo(reviewer, "key");
    await reviewer.keyboard.type(service.keys.reviewer);
    await reviewer.keyboard.press("Enter");
    await reviewer.waitForURL(`**/console/promotions/${waiting.keys}`);
    await tabTo(reviewer, "comment");
    await reviewer.keyboard.type("by hand");
    await tabTo(reviewer, "Approve");
    await reviewer.keyboard.press("Enter");
    await reviewer.locator("#step-decide.good").getByText("by hand").waitFor();
    await service.until(waiting.keys ?? "", "promoted");
  });

  test("without JavaScript: one signs in, promotes, approves and sees the end", async () => {
    const without = { javaScriptEnabled: false };
    const operator = await desk.window(without);
    await operator.goto("/console");
    await operator.getByRole("textbox", { name: "Key" }).fill(service.keys.operator);
    await operator.getByRole("button", { name: "Sign in" }).click();
    await operator.getByRole("link", { name: "scriptless" }).first().click();
    await operator.getByRole("link", { name: "Promote a release" }).click();
    await operator.getByRole("combobox", { name: "Release" }).selectOption(release);
    await operator.getByRole("button", { name: "Start the promotion" }).click();
    await operator.locator("#step-decide.wait").waitFor();

    const reviewer = await desk.signedIn("reviewer", without);
    await reviewer.goto(operator.url());
    await reviewer.getByRole("button", { name: "Approve" }).click();
    await reviewer.locator("#step-open.good").waitFor();
    // Nothing went on by itself while it waited, so neither did the page.
    await operator.reload();
    await operator.locator("#step-open.good").waitFor();
  });
});
