/** Configuration that a backup captures: what may be named, and the record of what was captured. */
import * as z from "zod";

/** What an item that is none is told. */
export const ITEM_FORMS = "name secret:NAME, parameter:NAME, s3://BUCKET/KEY or file:/PATH";

/**
 * `secret:NAME` (Secrets Manager), `parameter:NAME` (Parameter Store), `s3://BUCKET/KEY`, `file:/PATH` (where the service runs on
 * the operator's machine). A `*` may end a key, end a parameter's path, or stand in a file's name, and means every one that fits:
 * `file:/srv/app/.env*`, `parameter:/shop/production/*`.
 */
export const configurationItem = z
  .string()
  .max(1_100)
  .regex(
    /^(secret:[A-Za-z0-9/_+=.@:-]{1,512}|parameter:([\w.-]+|(\/[\w.-]+)+(\/\*)?)|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^*\p{Cc}]*([^*\p{Cc}]|\*)|file:\/([^*\p{Cc}]*\/)?[^/\p{Cc}]+)$/u,
    ITEM_FORMS,
  )
  .refine((item) => !item.split("/").includes(".."), "a path has no ..");

/** An item taken apart. */
type ConfigurationSource =
  | { kind: "secret"; name: string }
  /** `/*` ends the name of a path, for all that is below it. */
  | { kind: "parameter"; name: string }
  | { kind: "s3"; bucket: string; key: string }
  | { kind: "file"; folder: string; name: string };

/** Takes apart an item that the policy's schema has let in. */
export function parseConfigurationItem(item: string): ConfigurationSource {
  if (item.startsWith("secret:")) return { kind: "secret", name: item.slice("secret:".length) };
  if (item.startsWith("parameter:")) return { kind: "parameter", name: item.slice("parameter:".length) };
  if (item.startsWith("file:")) {
    const path = item.slice("file:".length);
    const cut = path.lastIndexOf("/");
    return { kind: "file", folder: path.slice(0, cut + 1), name: path.slice(cut + 1) };
  }
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(item) ?? [];
  return { kind: "s3", bucket, key };
}

/** True when the name fits a pattern in which `*` stands for anything. */
export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "su").test(name);
}

/** True when an item of the policy, with its `*`, is about that one place. */
export function covers(item: string, place: string): boolean {
  const [wanted, one] = [parseConfigurationItem(item), parseConfigurationItem(place)];
  if (wanted.kind === "s3" && one.kind === "s3")
    return wanted.bucket === one.bucket && fits(wanted.key, one.key);
  if (wanted.kind === "parameter" && one.kind === "parameter") return fits(wanted.name, one.name);
  if (wanted.kind === "file" && one.kind === "file")
    return wanted.folder === one.folder && fits(wanted.name, one.name);
  return item === place;
}

export const configurationRecordSchema = z.strictObject({
  format: z.literal("rehearsal-configuration/1"),
  /** The backup's id; it is under every seal, so that no capture can stand for another. */
  backup: z.string(),
  /** Which wrapping key: sixteen hexadecimal digits. */
  wrappingKey: z.string().regex(/^[0-9a-f]{16}$/),
  /** The data key, sealed with the wrapping key, in base64. */
  dataKey: z.base64(),
  items: z.array(
    z.strictObject({
      /** What was captured, by where it came from: the item of the policy, without its `*`. */
      item: z.string(),
      /** The key of its sealed bytes. */
      object: z.string(),
      /** Bytes, unsealed. */
      size: z.int().min(0),
      /** HMAC-SHA256 of its bytes under a key made from the wrapping key: equal captures are known, and nothing can be guessed. */
      hmac: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type ConfigurationRecord = z.infer<typeof configurationRecordSchema>;
