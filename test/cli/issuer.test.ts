/** The command on issuers, with the trusts that docs/credentials.md shows. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KEY } from "../api/world.ts";
import { startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { type CommandWorld, openCommandWorld } from "./command.ts";
import { runHere } from "./run-here.ts";

let world: CommandWorld;
let issuer: TestIssuer;
let folder: string;

const command = (words: string[], variables: Record<string, string> = { REHEARSAL_KEY: KEY }) =>
  runHere(words, { REHEARSAL_URL: world.url, ...variables });

beforeAll(async () => {
  world = await openCommandWorld();
  issuer = await startIssuer();
  folder = await mkdtemp(join(tmpdir(), "rehearsal-issuers-"));
  const page = await readFile(new URL("../../docs/credentials.md", import.meta.url), "utf8");
  for (const [name, field] of [
    ["github.yaml", "repositoryId"],
    ["gitlab.yaml", "projectId"],
  ] as const) {
    const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);
    await writeFile(join(folder, name), blocks.find((text) => text.includes(field)) ?? "");
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await issuer?.stop();
  await world?.close();
});

test("an identity provider is registered, listed and removed, and a token of it is shown in place of a key", async () => {
  const url = `${issuer.url}/company`;
  const added = await command([
    "issuer",
    "add",
    "company",
    "--kind",
    "people",
    "--url",
    url,
    "--audience",
    "here",
  ]);
  expect(added).toMatchObject({ exit: 0, err: "" });
  expect(added.out).toContain(
    `url:         ${url}\naudiences:   here\nsignatures:  RS256, PS256, ES256, EdDSA\n`,
  );
  await command(["person", "add", "reviewer", "*=approver"]);
  await command(["person", "identity", "reviewer", url, "00u1a2b3c4"]);
  const token = await issuer.sign("/company", { sub: "00u1a2b3c4", aud: "here" });
  const who = await command(["whoami"], { REHEARSAL_TOKEN: token });
  expect(who.out).toBe(
    "person:      reviewer\ncredential:  token company 00u1a2b3c4\nroles:       *=approver\n",
  );
  expect((await command(["issuer", "list"])).out).toMatch(/company +people +http.*company +here/);
  const removed = await command(["issuer", "remove", "company"]);
  expect(removed.out).toBe("company is removed; its tokens are refused from now on\n");
  const refused = await command(["whoami"], { REHEARSAL_TOKEN: token });
  expect(refused.exit).toBe(2);
  expect(refused.err).toContain("code:  TokenRefused");
});

test.each(["github", "gitlab"])("the trusts in pipelines of %s are those of the page", async (kind) => {
  for (const person of [`${kind}-promote`, `${kind}-rehearse`])
    expect((await command(["person", "add", person, "*=promoter"])).exit).toBe(0);
  const words = ["issuer", "add", kind, "--kind", kind, "--audience", "here"];
  const added = await command([...words, "--trusts", join(folder, `${kind}.yaml`)]);
  expect(added.err).toBe("");
  expect(added.out).toContain(`${kind}-promote, to promote; ${kind}-rehearse, to rehearse alone`);
});

test("what is wrong is told before anything is sent", async () => {
  const words = ["issuer", "add", "wrong", "--audience", "here", "--kind"];
  const bare = await command([...words, "github"]);
  expect(bare.err).toContain("without --trusts it would vouch for nothing");
  expect(bare.err).toContain("hint:  correct the named fields");
  const far = await command([...words, "people", "--url", "http://idp.example.com", "--tolerance", "90"]);
  expect(far.exit).toBe(2);
  expect(far.err).toContain("url: it is on https");
  expect(far.err).toContain("toleranceSeconds: ");
  const lost = await command([...words, "github", "--trusts", join(folder, "nowhere.yaml")]);
  expect(lost.err).toContain("nowhere.yaml");
});
