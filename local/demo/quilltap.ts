/** Chats with characters leave Postgres for files, while people write, and come back: every model's checksum is the same at each turn. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { databaseUrl } from "../../core/database-url.ts";
import type { StoreMetadata } from "../../core/store/metadata.ts";
import { unseal } from "../../examples/quilltap/app/seal.ts";
import { fillProduction, PEPPER } from "../../examples/quilltap/generate.ts";
import type { Session } from "../../io/postgres/session.ts";
import { type LiveWriter, startLiveWriter, type Told } from "./live-writer.ts";
import { type Stage, say, tell } from "./stage.ts";

const MESSAGES = 200_000;
/** How long people write into both. */
const DUAL_SECONDS = 30;
/** And into the files alone. */
const JSON_SECONDS = 5;

/** What acts in production wants to be told twice which one is meant. */
const SURE = ["prod", "--confirm", "prod"];

export async function quilltap(stage: Stage): Promise<void> {
  const { layOut, rehearsal, project, example } = stage;
  const [stop, start] = [await stage.startSmokeTest(), await stage.startSmokeTest()];
  const production = await stage.makeProduction({
    hooks: { stop: stop.url, start: start.url },
  });
  const within = <T>(work: (session: Session) => Promise<T>) => stage.withSession(production, work);
  const reports = join(project, "../reports");
  await mkdir(reports);
  tell(
    `the service answers at ${stage.stack.url}; production is ${production.database} on port ${production.port}`,
  );

  say("The application as it has lived for a while: 23 models, by Prisma's migrations");
  await layOut();
  await rehearsal(["promote", "prod", "--watch"], 0);
  await within((session) => fillProduction(session, { messages: MESSAGES }));
  const before = await within(tokensUsed);

  say("Inventory: the schema is frozen, each model has its file, and a change feed begins");
  await layOut("2-inventory");
  await rehearsal(["schema", "--env", "prod", "--check"], 0);
  await rehearsal(["store", "check"], 0);
  await rehearsal(["promote", "prod", "--watch"], 0);
  const metadata = async (name: string) => {
    const path = join(reports, `${name}.json`);
    await rehearsal(["store", "dump", "prod", "--out", path], 0);
    return JSON.parse(await readFile(path, "utf8")) as StoreMetadata;
  };
  const inventory = await metadata("before");
  if (inventory.totals.models !== 23) throw new Error(`there are ${inventory.totals.models} models, not 23`);

  say("Scaffold: the application's own types, and the files, of one instant");
  await rehearsal(["store", "models", "--out", "app/models.generated.ts"], 0);
  await assertSame(join(project, "app/models.generated.ts"), join(example, "app/models.generated.ts"));
  const store = join(project, "../quilltap-files");
  await rehearsal(["store", "export", "prod", "--to", store], 0);

  say(
    `Dual: people write into both for ${DUAL_SECONDS} s, and the store follows what the database does by itself`,
  );
  const people = peopleAt({ example, database: production, store, pepper: PEPPER });
  await people.begin("dual");
  stop.asked = () => people.end();
  await rehearsal(["store", "sync", "prod", "--follow", String(DUAL_SECONDS)], 0);
  await rehearsal(["store", "verify", "prod"], 0);

  say(
    "Cutover: nobody writes for a moment; nothing is left to follow, both sides are equal, and the files count",
  );
  start.asked = () => people.begin("json");
  await rehearsal(["store", "cutover", ...SURE], 0);
  const [dual] = people.told;
  if (dual === undefined) throw new Error("nobody stopped the application");
  tellActs(dual);
  const refused = await within(async () => undefined).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (refused === undefined) throw new Error(`${databaseUrl(production)} still answers`);
  tell(`the database is away: ${refused}`);
  await pause(JSON_SECONDS * 1_000);
  await rehearsal(["store", "status", "prod"], 0);

  say("Back: what the files hold goes into the database, which counts again");
  start.asked = async () => undefined;
  await rehearsal(["store", "cutover", ...SURE, "--back"], 0);
  const [, json] = people.told;
  if (json === undefined) throw new Error("nobody stopped the application a second time");
  tellActs(json);
  await proveModels(store, await metadata("after"));
  const counted = (await within(tokensUsed)) - before;
  const said = BigInt(dual.tokens + json.tokens);
  if (counted !== said) throw new Error(`${said} tokens were spent, and ${counted} are counted`);
  tell(`${said.toLocaleString("en")} tokens were spent by people at once, and as many are counted`);
  tell(`${await within(openSecrets)} secrets open, byte for byte what was sealed`);
  await rehearsal(["drift", "prod"], 0);
  await rehearsal(["log", "verify"], 0);
}

interface People {
  begin(backend: "dual" | "json"): Promise<void>;
  end(): Promise<void>;
  /** What each of those told who have ended. */
  told: Told[];
}

/** The application, as hooks stop and start it. */
function peopleAt(where: Omit<Parameters<typeof startLiveWriter>[0], "backend">): People {
  let writer: LiveWriter | undefined;
  const told: Told[] = [];
  return {
    told,
    begin: async (backend) => {
      writer = await startLiveWriter({ ...where, backend });
      tell(`the application writes with DATA_BACKEND=${backend}`);
    },
    end: async () => {
      if (writer === undefined) return;
      told.push(await writer.stop());
      writer = undefined;
      tell("the application has stopped");
    },
  };
}

function tellActs({ backend, acts, differences }: Told): void {
  const told = Object.entries(acts).map(([act, times]) => `${act} ${times}×`);
  tell(`with DATA_BACKEND=${backend} people did: ${told.join(", ")}; reads differed ${differences} times`);
  if (differences > 0) throw new Error("the backends disagreed");
}

/** Throws unless the store's head and the database tell the same of each model. */
async function proveModels(store: string, { models }: StoreMetadata): Promise<void> {
  const head = JSON.parse(await readFile(join(store, "head.json"), "utf8")) as {
    models: StoreMetadata["models"];
  };
  const names = Object.keys(models);
  for (const name of names) {
    const [files, database] = [head.models[name], models[name]];
    if (database === undefined || files?.rows !== database.rows || files.sum !== database.sum)
      throw new Error(
        `${name} differs: ${JSON.stringify(files)} as files, ${JSON.stringify(database)} in the database`,
      );
    tell(`${name.padEnd(22)}${String(database.rows).padStart(8)}  ${database.sum.slice(0, 16)}  equal`);
  }
  if (names.length !== 23) throw new Error(`${names.length} models were compared, not 23`);
  tell("the checksums of all 23 models are equal, in the files and in the database");
}

async function tokensUsed(session: Session): Promise<bigint> {
  const [row] = await session.query<{ used: string }>(
    `select sum("tokensUsed")::text as used from public.connection_profiles`,
  );
  return BigInt(row?.used ?? 0);
}

/** Opens every secret of the database, which fails if a byte of it has changed; returns how many there are. */
async function openSecrets(session: Session): Promise<number> {
  const sealed = await session.query<{ user: string; text: string; iv: string; tag: string }>(SEALED);
  for (const { user, ...one } of sealed) unseal(PEPPER, user, one);
  return sealed.length;
}

const SEALED = `
  select "userId" as user, "keyEncrypted" as text, "keyIv" as iv, "keyAuthTag" as tag from public.api_keys
  union all
  select id, "totpSecret", "totpSecretIv", "totpSecretAuthTag" from public.users where "totpSecret" is not null
  union all
  select id, "backupCodes", "backupCodesIv", "backupCodesAuthTag" from public.users where "backupCodes" is not null`;

async function assertSame(made: string, known: string): Promise<void> {
  if ((await readFile(made, "utf8")) !== (await readFile(known, "utf8")))
    throw new Error(`${made} is not what the example has`);
}
