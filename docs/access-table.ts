/** docs/security.md: its table of who may call what, made from the same words that the routes ask by. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ACCESS_ROLES, type Permission, rolesWith } from "../core/access.ts";
import type { Access } from "../functions/api/access.ts";
import { app } from "../functions/api/app.ts";
import { apiDocument } from "../functions/api/document.ts";
import { table } from "./markdown.ts";

const PAGE = fileURLToPath(new URL("security.md", import.meta.url));

const BEGIN = "<!-- from the routes, by node docs/generate.ts: do not edit -->";
const END = "<!-- end -->";

/** An operation of the API with what it asks of whoever calls it. */
export interface Operation {
  method: string;
  path: string;
  id: string;
  access: Access;
  /** The query takes an environment. */
  named: boolean;
}

/** Every operation of the OpenAPI document; throws for one that does not say what it asks. */
export function operations(): Operation[] {
  const { paths } = apiDocument(app) as unknown as {
    paths: Record<string, Record<string, Documented>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, documented]) => {
      const { operationId: id = "", parameters = [], "x-access": access } = documented;
      if (access === undefined) throw new Error(`${method} ${path} does not say what it asks (x-access)`);
      const named = parameters.some((one) => one.in === "query" && one.name === "environment");
      return { method: method.toUpperCase(), path, id, access, named };
    }),
  );
}

interface Documented {
  operationId?: string;
  parameters?: { in: string; name: string }[];
  "x-access"?: Access;
}

/** The page as it stands, with its table made anew. */
export async function securityPage(): Promise<string> {
  const page = await readFile(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`docs/security.md has no place for its table, between ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${accessTable()}\n\n${END}${after}`;
}

/** A row for each operation, a column for each role. */
export function accessTable(): string {
  const rows = operations().map(({ method, path, access }) => [
    `${method} ${path}`,
    access.of === "public" || access.of === "self" ? "" : access.permission,
    OF[access.of],
    ...ACCESS_ROLES.map((role) => cell(access, rolesWith(access.permission).includes(role))),
    access.of === "self" || access.of === "public" ? "yes" : "",
  ]);
  return table(["Operation", "Permission", "Where", ...ACCESS_ROLES, "no role"], rows);
}

const OF: Record<Access["of"], string> = {
  environment: "the environment",
  promotion: "the promotion's environment",
  task: "the task's environment",
  backup: "the backup's environment",
  prune: "the prune's environment",
  hold: "the hold's environment",
  service: "all environments",
  somewhere: "any environment",
  self: "oneself",
  public: "anybody, without a credential",
};

function cell({ of }: { permission: Permission; of: Access["of"] }, has: boolean): string {
  if (of === "self" || of === "public") return "yes";
  if (!has) return "";
  return of === "service" ? "held for *" : "yes";
}
