/** What an import reads: a folder beside the service, what lies in the environment's own bucket for it, or what the command has uploaded. */
import * as z from "zod";

export const importSourceSchema = z.union([
  z.strictObject({
    /** The whole path of a folder, or of a file, on the machine where the service runs. */
    folder: z
      .string()
      .min(1)
      .max(1_000)
      .regex(/^\/[^\0]*$/, "it must be a whole path, from / on")
      .refine((path) => !path.split("/").includes(".."), "a path has no .."),
  }),
  z.strictObject({
    /** Below `intake/` of the environment's storage. */
    intake: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "use letters, digits, dots, _ and -"),
  }),
  z.strictObject({
    /** What the command has uploaded to the service's own bucket, by the digest of all that is in it. */
    upload: z.string().regex(/^[0-9a-f]{32}$/, "use 32 hex digits"),
  }),
]);

export type ImportSourceName = z.infer<typeof importSourceSchema>;

/** The prefix of what was uploaded under a name: nobody else's objects, whatever the name. */
export function intakePrefix(storage: { root: string }, intake: string): string {
  return `${storage.root}intake/${intake}/`;
}

/** The prefix of what the command has uploaded for an environment: whatever is asked for, it is below that environment's own. */
export function uploadPrefix(environment: string, upload: string): string {
  return `intake/${environment}/${upload}/`;
}

/** In words, for people and the log. */
export function describeSource(source: ImportSourceName): string {
  if ("folder" in source) return source.folder;
  return "upload" in source ? `the upload ${source.upload}` : `intake/${source.intake}`;
}
