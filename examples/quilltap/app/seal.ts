/** How the application keeps a secret: by AES-256-GCM, under a key of each person's own that follows from one pepper. No database holds the pepper. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** As it stands in the columns NAME, NAMEIv and NAMEAuthTag: hexadecimal. */
export interface Sealed {
  text: string;
  iv: string;
  tag: string;
}

/** The initialization vector is random unless it is told; it must never be told twice for one person. */
export function seal(
  pepper: string,
  userId: string,
  plain: string,
  iv: Uint8Array = randomBytes(12),
): Sealed {
  const cipher = createCipheriv("aes-256-gcm", keyOf(pepper, userId), iv);
  const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]).toString("hex");
  return { text, iv: Buffer.from(iv).toString("hex"), tag: cipher.getAuthTag().toString("hex") };
}

/** Throws when a byte of it is another one than was sealed. */
export function unseal(pepper: string, userId: string, { text, iv, tag }: Sealed): string {
  const decipher = createDecipheriv("aes-256-gcm", keyOf(pepper, userId), Buffer.from(iv, "hex"), {
    authTagLength: 16,
  });
  decipher.setAuthTag(Buffer.from(tag, "hex"));
  return Buffer.concat([decipher.update(text, "hex"), decipher.final()]).toString("utf8");
}

function keyOf(pepper: string, userId: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", pepper, userId, "quilltap", 32));
}
