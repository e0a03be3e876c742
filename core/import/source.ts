/** What an import reads: a folder beside the service, or what was uploaded for it into the environment's own bucket. */
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
]);

export type ImportSourceName = z.infer<typeof importSourceSchema>;

/** The prefix of what was uploaded under a name: nobody else's objects, whatever the name. */
export function intakePrefix(storage: { root: string }, intake: string): string {
  return `${storage.root}intake/${intake}/`;
}

/** In words, for people and the log. */
export function describeSource(source: ImportSourceName): string {
  return "folder" in source ? source.folder : `intake/${source.intake}`;
}
