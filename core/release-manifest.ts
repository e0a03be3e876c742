/** A release's manifest: what its hash covers. FORMATS.md pins the bytes. */
import * as z from "zod";
import { FILE_BYTES, RELEASE_FILES } from "./release-limits.ts";

const fileSchema = z.strictObject({
  path: z.string().min(1),
  size: z.int().min(0).max(FILE_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const manifestSchema = z.strictObject({
  format: z.literal("rehearsal-release/1"),
  project: z.string(),
  /** By the UTF-8 bytes of their paths. */
  files: z.array(fileSchema).min(1).max(RELEASE_FILES),
});

export type ReleaseManifest = z.infer<typeof manifestSchema>;
