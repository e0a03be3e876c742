/** The workspace's files: one says dev or prod, one says what the database is, and a promotion keeps the second. */
import * as z from "zod";

const WORKSPACE_STATES = ["writeable", "provisional", "canonical"] as const;
export type WorkspaceState = (typeof WORKSPACE_STATES)[number];

/** Other members are other people's, and stay as they are. */
const stateFileSchema = z.looseObject({
  state: z.enum(WORKSPACE_STATES),
  /** The promotion that runs; there only while one does. */
  promotion: z.string().optional(),
});

export type StateFile = z.infer<typeof stateFileSchema>;

/** What a role file says: its first line that is no comment, in lower case; empty when there is none. */
export function readRole(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return (lines.find((line) => line !== "" && !line.startsWith("#")) ?? "").toLowerCase();
}

/** The state file's content; a string says why it is none. */
export function readStateFile(text: string): StateFile | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  const parsed = stateFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  return `it is no object whose "state" is ${WORKSPACE_STATES.join(", ")}`;
}

/** The same file in another state, with the promotion that runs, if one does. */
export function writeStateFile(
  before: StateFile | undefined,
  state: WorkspaceState,
  promotion?: string,
): string {
  const { state: _, promotion: __, ...others } = before ?? { state };
  const file = { state, ...(promotion !== undefined && { promotion }), ...others };
  return `${JSON.stringify(file, null, 2)}\n`;
}
