/** Fills Quilltap's production with as many messages as are asked for: the same rows each time, on every server. */
import { createHash } from "node:crypto";
import type { Session } from "../../io/postgres/session.ts";
import { seal } from "./app/seal.ts";

export interface FillOptions {
  /** How many messages; everything else follows from it. */
  messages: number;
}

/** What the generated secrets are sealed with. */
export const PEPPER = "a pepper of nobody's";

/** The secret that was sealed for the thing of that kind and number. */
export const secretOf = (kind: "api key" | "totp" | "backup codes", number: number): string =>
  `${kind} ${number}: ${digest(`${kind} ${number}`).toString("base64url")}`;

/**
 * Fills the empty tables of release 1, in one transaction, and analyzes them; 200,000 messages take some seconds.
 * What looks like chance is a hash of the row's number, so no two runs differ by a byte.
 */
export async function fillProduction(session: Session, { messages }: FillOptions): Promise<void> {
  const users = Math.max(2, Math.ceil(messages / 50_000));
  const chats = Math.max(6, Math.ceil(messages / 250));
  const counts = {
    ...{ users, chats, messages, keys: users * 4, profiles: users * 6, tags: users * 12 },
    ...{ characters: Math.max(4, Math.ceil(chats / 6)), personas: Math.max(3, Math.ceil(chats / 25)) },
    ...{ images: Math.max(8, Math.ceil(chats / 2)), files: Math.max(4, Math.ceil(chats / 4)) },
  };
  await session.transaction(async () => {
    await insert(session, "users", numbers(users).map(user));
    await insert(
      session,
      "api_keys",
      numbers(counts.keys).map((n) => apiKey(n, users)),
    );
    for (const statement of statements(counts)) await session.execute(statement);
  });
  await session.execute(`analyze ${TABLES.map((table) => `public.${table}`).join(", ")}`);
}

/** The tables of the 23 models, each behind those that it refers to. */
export const TABLES = [
  ...["users", "chat_settings", "accounts", "sessions", "verification_tokens", "api_keys"],
  ...["connection_profiles", "images", "characters", "personas", "character_personas", "chats", "messages"],
  ...["image_tags", "chat_avatar_overrides", "chat_files", "image_profiles", "tags", "character_tags"],
  ...["persona_tags", "chat_tags", "connection_profile_tags", "image_profile_tags"],
];

type Row = Record<string, string | number | boolean | null>;

/** Every third has no second factor yet. */
function user(n: number): Row {
  const id = idOf("user", n);
  const totp = n % 3 === 0 ? null : seal(PEPPER, id, secretOf("totp", n), nonce("totp", n));
  const codes = n % 3 === 0 ? null : seal(PEPPER, id, secretOf("backup codes", n), nonce("backup codes", n));
  const made = time(n * 3_600);
  return {
    ...{ id, username: `reader${n}`, email: `reader${n}@quilltap.example`, name: `Reader the ${n}. 🪶` },
    ...{ image: null, emailVerified: n % 2 === 0 ? null : made, passwordHash: bcryptShaped(n) },
    ...{
      totpSecret: totp?.text ?? null,
      totpSecretIv: totp?.iv ?? null,
      totpSecretAuthTag: totp?.tag ?? null,
    },
    ...{ totpEnabled: totp !== null, totpVerifiedAt: totp && made },
    ...{
      backupCodes: codes?.text ?? null,
      backupCodesIv: codes?.iv ?? null,
      backupCodesAuthTag: codes?.tag ?? null,
    },
    ...{ createdAt: made, updatedAt: made },
  };
}

function apiKey(n: number, users: number): Row {
  const userId = idOf("user", 1 + (n % users));
  const { text, iv, tag } = seal(PEPPER, userId, secretOf("api key", n), nonce("api key", n));
  const provider = PROVIDERS[n % PROVIDERS.length] ?? "";
  return {
    ...{ id: idOf("api key", n), userId, provider, label: `${provider.toLowerCase()} key ${n}` },
    ...{ keyEncrypted: text, keyIv: iv, keyAuthTag: tag, isActive: n % 7 !== 0 },
    ...{ lastUsed: n % 5 === 0 ? null : time(n * 777), createdAt: time(n * 60), updatedAt: time(n * 61) },
  };
}

const PROVIDERS = ["OPENAI", "ANTHROPIC", "OLLAMA", "OPENROUTER", "OPENAI_COMPATIBLE", "GROK", "GAB_AI"];

/** Nobody's password: in bcrypt's form, and of no word. */
function bcryptShaped(n: number): string {
  const letters = createHash("sha512").update(`password ${n}`).digest("base64").replaceAll(/[+=]/g, ".");
  return `$2b$12$${letters.slice(0, 53)}`;
}

const digest = (text: string) => createHash("sha256").update(text).digest();
const nonce = (kind: string, n: number) => digest(`nonce of ${kind} ${n}`).subarray(0, 12);
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const time = (seconds: number) => new Date(BEGIN_MS + seconds * 1_000).toISOString().replace("Z", "");
const BEGIN_MS = Date.UTC(2025, 8, 1);

/** The same identifiers as `id` makes in SQL. */
function idOf(kind: string, n: number): string {
  const hex = createHash("md5").update(`${kind} ${n}`).digest("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function insert(session: Session, table: string, rows: Row[]): Promise<void> {
  await session.query(
    `insert into public.${table} select * from jsonb_populate_recordset(null::public.${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

/** SQL: a number from 0 to `below - 1` that follows from `of` and from which question is asked of it. */
function drawn(of: string, question: number, below: number): string {
  return `((pg_catalog.hashint8extended(${of}, ${question}) & 2147483647) % ${below})::int`;
}

/** SQL: one of the words. */
function pick(words: string[], of: string, question: number): string {
  return `(array[${words.map((word) => `'${word.replaceAll("'", "''")}'`).join(", ")}])[1 + ${drawn(of, question, words.length)}]`;
}

/** SQL: the identifier of the thing of that kind and number. */
const id = (kind: string, number: string) => `md5('${kind} ' || ${number})::uuid::text`;
/** SQL: the identifier of one of so many, drawn. */
const one = (kind: string, count: number, of: string, question: number) =>
  id(kind, `(1 + ${drawn(of, question, count)})`);
/** SQL: so many numbers, from 1. */
const upTo = (count: number) => `generate_series(1::bigint, ${count}) n`;
/** SQL: the bytes of the thing of that number, some kilobytes that no compression makes smaller. */
const bytes = (kind: string, number: string) =>
  `(select coalesce(string_agg(sha256(convert_to('${kind} ' || ${number} || ' ' || i, 'UTF8')), '' order by i), '')
    from generate_series(1, ${drawn(number, 90, 900)}) i)`;

const BEGIN = "timestamp '2025-09-01 00:00:00'";
const at = (number: string, step: string) => `${BEGIN} + ${number} * interval '${step}'`;

const NAMES = ["Ada", "Брунгильда", "Cí", "Dagný", "Élodie", "فرح", "Grete", "花子", "Ines", "O'Rourke"];
const PLACES = [
  "the lighthouse",
  "a library of doors",
  "the last tram",
  "an orchard in winter",
  "the archive",
];
const MODELS = ["small-1", "large-3", "mixture:8x7b", "local/quill"];
const SENTENCES = [
  "The lamp went out before anybody had read the letter.",
  "„Das war nicht die Frage“, sagte sie.",
  "«Nous verrons bien», dit l'autre.",
  "She counted the stitches twice and came to different sums.",
  "Nothing in the ledger said who had paid.",
  "雨が止んだら、行きましょう。",
];
/** What formats stumble over. */
const ODDITIES = [
  'He wrote: "{\\"role\\": \\"system\\"}" and a comma,\tthen stopped.\r\n',
  "A line\nand another\u2028and a third, with \\N, \\. and \\u0000 in it",
  "👩‍👩‍👧‍👦 e\u0301 \uFEFF ‮right to left‬",
  '{"seq":1,"model":"Message","delete":["x"]}',
];

const RAW = `case when role in ('ASSISTANT', 'TOOL') then ('{"id": "r-' || n || '", "usage": {"prompt": ' || ${drawn("n", 30, 9_000)}
    || ', "cost": 0.0' || ${drawn("n", 31, 100_000)} || '0}, "finish": ' || ${pick(['"stop"', '"length"', "null"], "n", 32)}
    || case when n % 50 = 0 then ', "trace": 9223372036854775807' || n || ', "logprob": -1.50e-7, "seed": 1.0' else '' end || '}')::jsonb end`;

interface Counts {
  users: number;
  keys: number;
  profiles: number;
  tags: number;
  characters: number;
  personas: number;
  chats: number;
  messages: number;
  images: number;
  files: number;
}

function statements(of: Counts): string[] {
  const owner = id("user", `(1 + n % ${of.users})`);
  const tagged = (table: string, column: string, kind: string, count: number, question: number) => `
    insert into public.${table}_tags (id, "${column}Id", "tagId", "createdAt")
    select ${id(`${kind} tag`, "(n || ' ' || t)")}, ${id(kind, "n")}, ${id("tag", "t")}, ${at("n", "11 minutes")}
    from ${upTo(count)} cross join generate_series(1::bigint, ${of.tags}) t where ${drawn(`n * 1000 + t`, question, of.tags)} < 2`;
  return [
    `insert into public.chat_settings (id, "userId", "avatarDisplayMode", "messageFontScale", preferences, "createdAt", "updatedAt")
    select ${id("settings", "n")}, ${id("user", "n")}, ${pick(["ALWAYS", "GROUP_ONLY", "NEVER"], "n", 1)}::public."AvatarDisplayMode",
      case n when 1 then 'NaN' when 2 then '-0' else 1.1 + n end, jsonb_build_object('theme', ${pick(["dark", "light"], "n", 2)}, 'ratio', 1.10,
        '$jsonb', 'a key that the encoding uses itself', '__proto__', n), ${at("n", "1 hour")}, ${at("n", "2 hours")}
    from ${upTo(of.users)}`,
    `insert into public.accounts (id, "userId", type, provider, "providerAccountId", refresh_token, expires_at, scope)
    select ${id("account", "n")}, ${id("user", "n")}, 'oauth', 'google', 'g-' || n, md5('refresh ' || n), 1900000000, 'openid email'
    from ${upTo(of.users)}`,
    `insert into public.sessions (id, "sessionToken", "userId", expires)
    select ${id("session", "n")}, encode(sha256(convert_to('session ' || n, 'UTF8')), 'hex'), ${owner}, ${at("n", "3 hours")} + interval '30 days'
    from ${upTo(of.users * 8)}`,
    `insert into public.verification_tokens (identifier, token, expires)
    select 'reader' || n || '@quilltap.example', md5('token ' || n) || '/..%2f' || n, ${at("n", "1 day")} from ${upTo(of.users * 3)}`,
    `insert into public.connection_profiles (id, "userId", name, provider, "apiKeyId", "baseUrl", "modelName", parameters, "pricePerMillion", "tokensUsed",
      "isDefault", "createdAt", "updatedAt")
    select ${id("profile", "n")}, ${owner}, 'Profile ' || n, k.provider, k.id, case when k.provider in ('OLLAMA', 'OPENAI_COMPATIBLE') then 'http://localhost:11434' end,
      ${pick(MODELS, "n", 3)}, jsonb_build_object('temperature', 0.70, 'max_tokens', 1000 + n, 'stop', jsonb_build_array(E'\\n\\n', null)),
      ${drawn("n", 4, 90_000_000)} / 1000000.0, 9007199254740993 + n, n <= ${of.users}, ${at("n", "2 hours")}, ${at("n", "3 hours")}
    from ${upTo(of.profiles)} join public.api_keys k on k.id = ${id("api key", `(1 + (n - 1) % ${of.keys})`)}`,
    // Every fortieth shows what the one before it shows, byte for byte.
    `insert into public.images (id, "userId", sha256, filename, "mimeType", size, width, height, source, "generationPrompt", data, "createdAt", "updatedAt")
    select ${id("image", "n")}, ${owner}, encode(sha256(data), 'hex'), 'image ' || n || '.png', 'image/png', octet_length(data), 512, 256 + n,
      case when n % 3 = 0 then 'generated' else 'upload' end, case when n % 3 = 0 then ${pick(SENTENCES, "n", 5)} end, data, ${at("n", "40 minutes")}, ${at("n", "41 minutes")}
    from (select n, ${bytes("image", "(case when n % 40 = 0 then n - 1 else n end)")} as data from ${upTo(of.images)}) images`,
    `insert into public.characters (id, "userId", name, title, description, personality, scenario, "firstMessage", greetings, "exampleDialogues",
      "sillyTavernData", "isFavorite", "defaultImageId", "createdAt", "updatedAt")
    select ${id("character", "n")}, ${owner}, ${pick(NAMES, "n", 6)} || ' ' || n, case when n % 4 = 0 then 'of ' || ${pick(PLACES, "n", 7)} end,
      repeat(${pick(SENTENCES, "n", 8)} || ' ', 3), ${pick(SENTENCES, "n", 9)}, 'Somewhere in ' || ${pick(PLACES, "n", 10)}, ${pick(ODDITIES, "n", 11)},
      case n % 3 when 0 then null when 1 then '{}' else array[${pick(SENTENCES, "n", 12)}, ${pick(ODDITIES, "n", 13)}, null, 'NULL', ''] end, null,
      case when n % 2 = 0 then jsonb_build_object('spec', 'chara_card_v2', 'data', jsonb_build_object('name', ${pick(NAMES, "n", 6)}, 'weight', 1.0)) end,
      n % 9 = 0, case when n % 2 = 0 then ${one("image", of.images, "n", 14)} end, ${at("n", "50 minutes")}, ${at("n", "55 minutes")}
    from ${upTo(of.characters)}`,
    `insert into public.personas (id, "userId", name, title, description, "personalityTraits", "sillyTavernData", "defaultImageId", "createdAt", "updatedAt")
    select ${id("persona", "n")}, ${owner}, ${pick(NAMES, "n", 15)} || ' herself', null, ${pick(SENTENCES, "n", 16)}, '', 'null',
      case when n % 3 = 0 then ${one("image", of.images, "n", 17)} end, ${at("n", "1 hour")}, ${at("n", "1 hour")}
    from ${upTo(of.personas)}`,
    `insert into public.character_personas ("characterId", "personaId", "isDefault")
    select c, ${id("persona", "p")}, rank = 1
    from (select ${id("character", "n")} as c, p, row_number() over (partition by n order by p) as rank
      from ${upTo(of.characters)} cross join generate_series(1::bigint, ${of.personas}) p where ${drawn("n * 1000 + p", 18, of.personas)} < 2) met`,
    `insert into public.chats (id, "userId", "characterId", "personaId", "connectionProfileId", title, "contextSummary", "sillyTavernMetadata", "createdAt", "updatedAt")
    select ${id("chat", "n")}, ${owner}, ${one("character", of.characters, "n", 19)}, case when n % 3 > 0 then ${one("persona", of.personas, "n", 20)} end,
      ${one("profile", of.profiles, "n", 21)}, 'In ' || ${pick(PLACES, "n", 22)} || ', ' || n, case when n % 5 = 0 then repeat(${pick(SENTENCES, "n", 23)}, 4) end,
      case when n % 7 = 0 then jsonb_build_object('note', ${pick(ODDITIES, "n", 24)}) end, ${at("n", "20 minutes")}, ${at("n", "25 minutes")}
    from ${upTo(of.chats)}`,
    `insert into public.messages (id, "chatId", role, content, "rawResponse", "tokenCount", "swipeGroupId", "swipeIndex", "createdAt")
    select ${id("message", "n")}, ${id("chat", "chat")}, role::public."Role", content, ${RAW}, case when role <> 'USER' then octet_length(content) / 4 end,
      case when n % 25 < 3 then ${id("swipes", "(n / 25)")} end, case when n % 25 < 3 then n % 25 end,
      (${BEGIN} + n * interval '37.000123 seconds') at time zone 'UTC'
    from (select n, 1 + least(${drawn("n", 25, of.chats)}, ${drawn("n", 26, of.chats)}) as chat,
        ${pick(["SYSTEM", "USER", "USER", "USER", "USER", "ASSISTANT", "ASSISTANT", "ASSISTANT", "ASSISTANT", "TOOL"], "n", 27)} as role,
        case when n % 97 = 0 then ${pick(ODDITIES, "n", 28)} else '' end || repeat(${pick(SENTENCES, "n", 29)} || ' ', 1 + ${drawn("n", 33, 6)}) as content
      from ${upTo(of.messages)}) said`,
    `insert into public.image_tags (id, "imageId", "tagType", "tagId", "createdAt")
    select ${id("image tag", "n")}, ${id("image", "n")}, kind::public."ImageTagType", case kind when 'CHARACTER' then ${one("character", of.characters, "n", 34)}
        when 'PERSONA' then ${one("persona", of.personas, "n", 34)} when 'CHAT' then ${one("chat", of.chats, "n", 34)} else ${pick(PLACES, "n", 34)} end, ${at("n", "42 minutes")}
    from (select n, ${pick(["CHARACTER", "PERSONA", "CHAT", "THEME"], "n", 35)} as kind from ${upTo(of.images)}) tagged`,
    `insert into public.chat_avatar_overrides (id, "chatId", "characterId", "imageId", "createdAt")
    select ${id("override", "n")}, c.id, c."characterId", ${one("image", of.images, "n", 36)}, c."createdAt"
    from ${upTo(of.chats)} join public.chats c on c.id = ${id("chat", "n")} where n % 4 = 0`,
    `insert into public.chat_files (id, "chatId", "messageId", sha256, filename, "mimeType", size, data, "createdAt")
    select ${id("file", "n")}, m."chatId", m.id, encode(sha256(data), 'hex'), 'notes/../' || n || '.txt', 'text/plain', octet_length(data), data, ${at("n", "45 minutes")}
    from (select n, ${bytes("file", "n")} as data from ${upTo(of.files)}) files join public.messages m on m.id = ${id("message", "n")}`,
    `insert into public.image_profiles (id, "userId", name, provider, "apiKeyId", "modelName", parameters, "isDefault", "createdAt", "updatedAt")
    select ${id("image profile", "n")}, ${owner}, 'Pictures ' || n, ${pick(["OPENAI", "GROK", "GOOGLE_IMAGEN"], "n", 37)}::public."ImageProvider",
      case when n % 2 = 0 then ${one("api key", of.keys, "n", 38)} end, 'draw-2', '{"size": "1024x1024", "n": 1}', n <= ${of.users}, ${at("n", "1 hour")}, ${at("n", "1 hour")}
    from ${upTo(of.users * 2)}`,
    `insert into public.tags (id, "userId", name, "nameLower", "createdAt", "updatedAt")
    select ${id("tag", "n")}, ${owner}, 'Tag Nr. ' || n, 'tag nr. ' || n, ${at("n", "10 minutes")}, ${at("n", "10 minutes")} from ${upTo(of.tags)}`,
    tagged("character", "character", "character", of.characters, 40),
    tagged("persona", "persona", "persona", of.personas, 41),
    tagged("chat", "chat", "chat", of.chats, 42),
    tagged("connection_profile", "connectionProfile", "profile", of.profiles, 43),
    tagged("image_profile", "imageProfile", "image profile", of.users * 2, 44),
  ];
}
