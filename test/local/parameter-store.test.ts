import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readParameters } from "../../io/parameters.ts";
import { startParameterStore } from "../../local/parameter-store.ts";

let folder = "";
let endpoint: Awaited<ReturnType<typeof startParameterStore>>;
let client: SSMClient;

async function start() {
  endpoint = await startParameterStore({ folder });
  const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  Object.assign(process.env, { AWS_ENDPOINT_URL_SSM: endpoint.url, AWS_REGION: "us-east-1", ...credentials });
  client = new SSMClient({});
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parameters-"));
  await start();
});
afterEach(async () => {
  client.destroy();
  await endpoint.stop();
  await rm(folder, { recursive: true, force: true });
});

const put = (Name: string, Value: string, more: { Overwrite?: boolean; Type?: "SecureString" } = {}) =>
  client.send(new PutParameterCommand({ Name, Value, ...more }));
const read = async (name: string) => {
  const found: string[] = [];
  for await (const parameter of readParameters(name)) found.push(`${parameter.name}=${parameter.value}`);
  return found;
};

test("a parameter is read by its name, and one that is not there is told as none", async () => {
  await put("plain", "one");
  await put("/shop/url", "two");
  expect(await read("plain")).toEqual(["plain=one"]);
  expect(await read("/shop/url")).toEqual(["/shop/url=two"]);
  expect(await read("/shop")).toEqual([]);
  const { InvalidParameters } = await client.send(new GetParametersCommand({ Names: ["plain", "none"] }));
  expect(InvalidParameters).toEqual(["none"]);
  for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
});

test("a path stands for all below it, at any depth and over many answers, and for none beside it", async () => {
  const names = Array.from(
    { length: 23 },
    (_, place) => `/shop/${place % 3 ? "" : "deep/er/"}p${100 + place}`,
  );
  for (const name of names) await put(name, name);
  await put("/shopping/list", "no");
  expect(await read("/shop/*")).toEqual([...names].sort().map((name) => `${name}=${name}`));
  expect(await read("/shop/deep/*")).toHaveLength(8);
  expect(await read("/none/*")).toEqual([]);
  const flat = await client.send(new GetParametersByPathCommand({ Path: "/shop/deep" }));
  expect(flat.Parameters).toEqual([]);
});

test("an encrypted value comes to whoever asks for it decrypted, and to nobody else", async () => {
  await put("/shop/key", "hidden", { Type: "SecureString" });
  expect(await read("/shop/key")).toEqual(["/shop/key=hidden"]);
  expect(await read("/shop/*")).toEqual(["/shop/key=hidden"]);
  const { Parameters } = await client.send(new GetParametersCommand({ Names: ["/shop/key"] }));
  expect(Parameters?.[0]?.Value).not.toContain("hidden");
});

test("a value is replaced when that is asked for, outlives the endpoint, and goes for good", async () => {
  await put("/shop/url", "one");
  await expect(put("/shop/url", "two")).rejects.toMatchObject({ name: "ParameterAlreadyExists" });
  expect((await put("/shop/url", "two", { Overwrite: true })).Version).toBe(2);
  client.destroy();
  await endpoint.stop();
  await start();
  expect(await read("/shop/url")).toEqual(["/shop/url=two"]);
  await client.send(new DeleteParameterCommand({ Name: "/shop/url" }));
  expect(await read("/shop/url")).toEqual([]);
  await expect(client.send(new DeleteParameterCommand({ Name: "/shop/url" }))).rejects.toMatchObject({
    name: "ParameterNotFound",
  });
});

test("what AWS refuses is told by its name", async () => {
  await expect(read("relative/*")).rejects.toMatchObject({
    code: "AwsCallFailed",
    message: expect.stringContaining("Validation"),
  });
  await endpoint.stop();
  await expect(read("/shop/url")).rejects.toMatchObject({ code: "AwsCallFailed" });
  await start();
});
