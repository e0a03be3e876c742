/** What a person does in Quilltap: each act is one transaction on the store, whatever keeps it. */
import { createHash, randomBytes, randomInt, randomUUID } from "node:crypto";
import type { Store, Writer } from "../../../core/store/store.ts";
import type { Models } from "./models.generated.ts";
import { seal, unseal } from "./seal.ts";

/** Whoever uses the application, and what of theirs the acts are about. */
export interface Desk {
  store: Store<Models>;
  pepper: string;
  userId: string;
  characters: string[];
  profiles: string[];
  keys: string[];
  /** Those that were begun here; others are only written into. */
  own: string[];
  chats: string[];
}

/** What came of an act: tokens that were counted on a profile, or nothing when what it was about is gone. */
export interface Done {
  tokens?: number;
  gone?: true;
}

export type Act = (desk: Desk) => Promise<Done>;

/** What the first person of the store has; throws when nobody uses it. */
export async function sitDown(store: Store<Models>, pepper: string): Promise<Desk> {
  const { rows: people } = await store.list("User", {}, { limit: 1 });
  const [user] = people;
  if (user === undefined) throw new Error("nobody uses this Quilltap");
  const ids = async (model: "Character" | "ConnectionProfile" | "ApiKey" | "Chat") =>
    (await store.list(model, { userId: user.id }, { limit: 40 })).rows.map(({ id }) => id);
  return {
    ...{ store, pepper, userId: user.id, own: [] },
    ...{ characters: await ids("Character"), profiles: await ids("ConnectionProfile") },
    ...{ keys: await ids("ApiKey"), chats: await ids("Chat") },
  };
}

/** By how often, of a hundred. */
export const ACTS: Record<string, { often: number; act: Act }> = {
  say: { often: 58, act: say },
  "begin a chat": { often: 10, act: beginChat },
  regenerate: { often: 8, act: regenerate },
  attach: { often: 6, act: attach },
  tag: { often: 6, act: tag },
  "sign in": { often: 5, act: signIn },
  "seal a key anew": { often: 4, act: sealAnew },
  "forget a chat": { often: 3, act: forget },
};

/** One of them, as often as it is done. */
export function drawAct(): string {
  let left = randomInt(100);
  for (const [name, { often }] of Object.entries(ACTS)) {
    left -= often;
    if (left < 0) return name;
  }
  throw new Error("the acts are not a hundred");
}

async function beginChat(desk: Desk): Promise<Done> {
  const id = randomUUID();
  await desk.store.transaction(async (tx) => {
    const character = await tx.get("Character", { id: one(desk.characters) });
    if (character === undefined) throw new Error("a character is gone that nobody deletes");
    await tx.append("Chat", {
      ...{ id, userId: desk.userId, characterId: character.id, personaId: null },
      ...{ connectionProfileId: one(desk.profiles), title: `With ${character.name}`, contextSummary: null },
      ...{ sillyTavernMetadata: { begun: "live", weight: 0.5 }, createdAt: now(), updatedAt: now() },
    });
    await tx.append("Message", message(id, "ASSISTANT", character.firstMessage));
    if (character.defaultImageId === null) return;
    await tx.append("ChatAvatarOverride", {
      ...{ id: randomUUID(), chatId: id, characterId: character.id, imageId: character.defaultImageId },
      createdAt: now(),
    });
  });
  desk.own.push(id);
  desk.chats.push(id);
  return {};
}

/** A question and its answer; the answer's tokens are counted where everybody counts theirs. */
async function say(desk: Desk): Promise<Done> {
  const id = one(desk.chats);
  const tokens = 1 + randomInt(400);
  return desk.store.transaction(async (tx) => {
    const chat = await tx.get("Chat", { id });
    if (chat === undefined) return { gone: true };
    await tx.append("Message", message(id, "USER", "What was in the letter? 🕯️"));
    const answer = "„Nothing“, she said,\n\tand put it into the fire. ".repeat(1 + randomInt(4));
    await tx.append("Message", { ...message(id, "ASSISTANT", answer), tokenCount: tokens });
    await tx.put("Chat", { ...chat, updatedAt: now() });
    const profile = await tx.get("ConnectionProfile", { id: chat.connectionProfileId });
    if (profile === undefined) throw new Error("a profile is gone that a chat uses");
    const tokensUsed = String(BigInt(profile.tokensUsed) + BigInt(tokens));
    await tx.put("ConnectionProfile", { ...profile, tokensUsed, updatedAt: now() });
    return { tokens };
  });
}

/** Another answer in place of the first one of a chat. */
async function regenerate(desk: Desk): Promise<Done> {
  const id = one(desk.chats);
  return desk.store.transaction(async (tx) => {
    const { rows } = await tx.list("Message", { chatId: id }, { limit: 1 });
    const [first] = rows;
    if (first === undefined) return { gone: true };
    const swipeGroupId = first.swipeGroupId ?? randomUUID();
    await tx.put("Message", { ...first, swipeGroupId, swipeIndex: (first.swipeIndex ?? 0) + 1 });
    return {};
  });
}

async function attach(desk: Desk): Promise<Done> {
  const id = one(desk.chats);
  const bytes = randomBytes(randomInt(20_000));
  const file = {
    ...{ sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length },
    ...{ data: bytes.toString("base64"), createdAt: now() },
  };
  return desk.store.transaction(async (tx) => {
    if ((await tx.get("Chat", { id })) === undefined) return { gone: true };
    const image = randomUUID();
    await tx.append("Image", {
      ...{ id: image, userId: desk.userId, ...file, filename: "sketch.png", mimeType: "image/png" },
      ...{ width: 640, height: null, source: "upload", generationPrompt: null, updatedAt: now() },
    });
    await tx.append("ImageTag", {
      ...{ id: randomUUID(), imageId: image, tagType: "CHAT", tagId: id, createdAt: now() },
    });
    await tx.append("ChatFile", {
      ...{
        id: randomUUID(),
        chatId: id,
        messageId: null,
        ...file,
        filename: "sketch.png",
        mimeType: "image/png",
      },
    });
    return {};
  });
}

/** Of forty names: the second time the tag is there, and a character has it or loses it. */
async function tag(desk: Desk): Promise<Done> {
  const name = `Live ${randomInt(40)}`;
  const characterId = one(desk.characters);
  await desk.store.transaction(async (tx) => {
    const tagId = await tagOf(tx, desk.userId, name);
    const { rows } = await tx.list("CharacterTag", { characterId, tagId });
    const [had] = rows;
    if (had === undefined)
      await tx.append("CharacterTag", { id: randomUUID(), characterId, tagId, createdAt: now() });
    else await tx.delete("CharacterTag", { id: had.id });
  });
  return {};
}

async function tagOf(tx: Writer<Models>, userId: string, name: string): Promise<string> {
  const nameLower = name.toLowerCase();
  const { rows } = await tx.list("Tag", { userId, nameLower });
  const [found] = rows;
  if (found !== undefined) return found.id;
  const id = randomUUID();
  await tx.append("Tag", { id, userId, name, nameLower, createdAt: now(), updatedAt: now() });
  return id;
}

/** A new session in place of the first. */
async function signIn({ store, userId }: Desk): Promise<Done> {
  await store.transaction(async (tx) => {
    const { rows } = await tx.list("Session", { userId }, { limit: 1 });
    for (const { id } of rows) await tx.delete("Session", { id });
    const sessionToken = randomBytes(32).toString("hex");
    await tx.append("Session", { id: randomUUID(), sessionToken, userId, expires: now(30) });
  });
  return {};
}

/** The same key under another vector: what it was sealed as is opened first, which fails if a byte of it is another one. */
async function sealAnew({ store, pepper, userId, keys }: Desk): Promise<Done> {
  const id = one(keys);
  return store.transaction(async (tx) => {
    const key = await tx.get("ApiKey", { id });
    if (key === undefined) return { gone: true };
    const plain = unseal(pepper, userId, { text: key.keyEncrypted, iv: key.keyIv, tag: key.keyAuthTag });
    const { text, iv, tag } = seal(pepper, userId, plain);
    await tx.put("ApiKey", { ...key, keyEncrypted: text, keyIv: iv, keyAuthTag: tag, updatedAt: now() });
    return {};
  });
}

/** The chat with all that goes with it, and what no foreign key holds. */
async function forget(desk: Desk): Promise<Done> {
  const [id] = desk.own;
  if (id === undefined) return { gone: true };
  await desk.store.transaction(async (tx) => {
    const { rows } = await tx.list("ImageTag", { tagType: "CHAT", tagId: id });
    for (const { id } of rows) await tx.delete("ImageTag", { id });
    await tx.delete("Chat", { id });
  });
  desk.own.shift();
  desk.chats = desk.chats.filter((other) => other !== id);
  return {};
}

function message(chatId: string, role: Models["Message"]["role"], content: string): Models["Message"] {
  return {
    ...{ id: randomUUID(), chatId, role, content, tokenCount: null, swipeGroupId: null, swipeIndex: null },
    rawResponse: role === "USER" ? null : { id: randomUUID(), usage: { cost: 0.25 } },
    createdAt: `${now()}+00`,
  };
}

function one(of: readonly string[]): string {
  const found = of[randomInt(of.length)];
  if (found === undefined) throw new Error("there is nothing to draw from");
  return found;
}

/** As Postgres writes it, so many days from now. */
function now(days = 0): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().replace("T", " ").replace("Z", "");
}
