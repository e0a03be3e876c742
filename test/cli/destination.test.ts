/** The command on destinations; that what is sent arrives is test/workflows/notices.test.ts. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { KEY } from "../api/world.ts";
import { startReceiver, status } from "../service/receiver.ts";
import { type CommandWorld, openCommandWorld } from "./command.ts";
import { runHere } from "./run-here.ts";

let world: CommandWorld;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

const command = (...words: string[]) =>
  runHere(["destination", ...words], { REHEARSAL_URL: world.url, REHEARSAL_KEY: KEY });

beforeAll(async () => {
  world = await openCommandWorld();
  receiver = await startReceiver();
});

afterAll(async () => {
  await receiver?.stop();
  await world?.close();
});

test("a webhook is registered with a secret that is shown once, tried, listed and removed", async () => {
  process.env.REHEARSAL_LOCAL_NOTICES = "yes";
  try {
    const target = `${receiver.url}/hook?token=very-secret`;
    const added = await command(
      "add",
      "hook",
      "--webhook",
      target,
      "--on",
      "held",
      "refused",
      "--environment",
      "shop",
    );
    expect(added).toMatchObject({ exit: 0, err: "" });
    expect(added.out).toContain(`address:       ${receiver.url}\n`);
    const secret = /secret: +(whsec_[A-Za-z0-9+/]{43}=)\nThe secret is not shown again/.exec(added.out)?.[1];
    expect(secret).toBeDefined();
    const again = await command("add", "hook", "--webhook", target);
    expect([again.exit, again.out.includes("whsec_")]).toEqual([0, false]);
    const other = JSON.parse(
      (await command("add", "hook", "--webhook", target, "--new-secret", "--json")).out,
    );
    expect(other.secret).toMatch(/^whsec_/);
    expect(other.secret).not.toBe(secret);
    receiver.answer("/hook?token=very-secret", status(500));
    expect(await command("test", "hook")).toMatchObject({
      exit: 1,
      out: "hook: it did not arrive: it answered 500\n",
    });
    expect(await command("test", "hook")).toMatchObject({ exit: 0, out: "hook: it arrived\n" });
    const listed = await command("list");
    expect(listed.out).toMatch(/hook +webhook +http:\/\/127\.0\.0\.1:\d+ +all +all +0 waiting, 0 dead/);
    expect(listed.out).not.toContain("very-secret");
    expect((await command("deliveries", "hook")).out).toBe("nothing was to be told there\n");
    expect((await command("redeliver", "hook")).out).toBe("hook: 0 to be sent again\n");
    expect((await command("remove", "hook")).out).toBe("hook is removed, and told nothing any more\n");
    expect((await command("remove", "hook")).err).toContain("code:  NotFound");
    expect((await command("list")).out).toContain("nobody is told of anything");
  } finally {
    delete process.env.REHEARSAL_LOCAL_NOTICES;
  }
});

test("abuse 32: a service that is not on one machine with its people calls neither this machine nor a private network", async () => {
  for (const target of [
    "http://127.0.0.1:1/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://169.254.169.254/latest",
    "https://10.0.0.1/",
    "https://[::ffff:10.0.0.1]/",
    "http://shop.example/",
  ]) {
    const refused = await command("add", "inside", "--webhook", target);
    expect([refused.exit, refused.err.includes("code:  InputInvalid")], target).toEqual([2, true]);
    expect(refused.err).toContain("hint:  correct the named fields");
  }
});

test("a mailbox is refused where the service has none to send from", async () => {
  const refused = await command("add", "mail", "--email", "on-call@shop.example");
  expect(refused.exit).toBe(2);
  expect(refused.err).toContain("code:  EmailSenderMissing");
  expect(refused.err).toContain("set REHEARSAL_EMAIL_FROM");
});

test("what is wrong is told before anything is sent", async () => {
  const both = await command("add", "x", "--email", "a@shop.example", "--slack", "https://shop.example");
  expect(both.err).toContain("give one of --webhook, --slack and --email");
  expect((await command("add", "x", "--email", "a b")).err).toContain("it is not the address of a mailbox");
});
