/** The API in parts: which paths are whose, so that a function reads only the routes that somebody asks for. */
import type { Hono } from "hono";
import type { Schema } from "hono/types";
import type { ApiEnv } from "./request.ts";

export interface Part {
  /** In the router's words. Each path of the document is in one part. */
  paths: readonly string[];
  /** The part's routes, behind the doors. */
  read: () => Promise<Pick<Hono<ApiEnv>, "fetch">>;
}

type Routes = Hono<ApiEnv, Schema>;

export const PARTS: readonly Part[] = [
  part(["/environments", "/environments/:name", "/environments/:name/copies"], async () => [
    (await import("./routes/environments.ts")).environmentRoutes,
  ]),
  part(["/environments/:name/holdings"], async () => [(await import("./routes/holdings.ts")).holdingRoutes]),
  part(["/environments/:name/adoptions"], async () => [
    (await import("./routes/adoptions.ts")).adoptionRoutes,
  ]),
  part(
    [
      "/environments/:name/uploads/:upload",
      "/environments/:name/file-imports",
      "/environments/:name/sqlite-imports",
    ],
    async () => [
      (await import("./routes/intakes.ts")).intakeRoutes,
      (await import("./routes/file-imports.ts")).fileImportRoutes,
      (await import("./routes/sqlite-imports.ts")).sqliteImportRoutes,
    ],
  ),
  part(
    [
      "/environments/:name/stores",
      "/environments/:name/store-dumps",
      "/environments/:name/store-exports",
      "/environments/:name/store-syncs",
      "/environments/:name/store-verifications",
      "/environments/:name/store-imports",
      "/environments/:name/store-cutovers",
      "/environments/:name/store-abandonments",
      "/environments/:name/store-give-ups",
    ],
    async () => [(await import("./routes/stores.ts")).storeRoutes],
  ),
  part(
    ["/environments/:name/replays", "/environments/:name/squashes", "/environments/:name/baselines"],
    async () => [(await import("./routes/replays.ts")).replayRoutes],
  ),
  part(["/environments/:name/drift", "/diffs"], async () => [
    (await import("./routes/shapes.ts")).shapeRoutes,
  ]),
  part(["/environments/:name/checks", "/checks"], async () => [
    (await import("./routes/checks.ts")).checkRoutes,
  ]),
  part(["/environments/:name/queries", "/environments/:name/queries/:query"], async () => [
    (await import("./routes/queries.ts")).queryRoutes,
  ]),
  part(
    [
      "/environments/:name/reports",
      "/environments/:name/reports/:report/runs",
      "/environments/:name/documents/:document/runs",
    ],
    async () => [(await import("./routes/reporting.ts")).reportingRoutes],
  ),
  part(["/releases/*"], async () => [(await import("./routes/releases.ts")).releaseRoutes]),
  part(["/plans"], async () => [(await import("./routes/plans.ts")).planRoutes]),
  part(["/promotions", "/promotions/:id"], async () => [
    (await import("./routes/promotions.ts")).promotionRoutes,
  ]),
  part(["/promotions/:id/wait", "/promotions/:id/events"], async () => [
    (await import("./routes/progress.ts")).progressRoutes,
  ]),
  part(["/promotions/:id/approve", "/promotions/:id/reject"], async () => [
    (await import("./routes/decisions.ts")).decisionRoutes,
  ]),
  part(["/promotions/:id/cancel", "/promotions/:id/rollback"], async () => [
    (await import("./routes/endings.ts")).endingRoutes,
  ]),
  part(["/promotions/:id/artifacts/*", "/promotions/:id/report", "/promotions/:id/comparison"], async () => [
    (await import("./routes/artifacts.ts")).artifactRoutes,
  ]),
  part(["/promotions/:id/log", "/log/*"], async () => [(await import("./routes/log.ts")).logRoutes]),
  // Both have paths of which the other's parameter could be a part.
  part(["/environments/:name/backups", "/backups/*"], async () => [
    (await import("./routes/backups.ts")).backupRoutes,
    (await import("./routes/backup-tasks.ts")).backupTaskRoutes,
  ]),
  part(["/tasks/*"], async () => [(await import("./routes/tasks.ts")).taskRoutes]),
  part(
    [
      "/environments/:name/prunes",
      "/environments/:name/prune-tests",
      "/environments/:name/policies",
      "/prunes/*",
    ],
    async () => [(await import("./routes/prunes.ts")).pruneRoutes],
  ),
  part(["/environments/:name/holds", "/holds/*"], async () => [
    (await import("./routes/holds.ts")).holdRoutes,
  ]),
  part(["/environments/:name/archived"], async () => [(await import("./routes/archived.ts")).archivedRoutes]),
  part(["/issuers/*"], async () => [(await import("./routes/issuers.ts")).issuerRoutes]),
  part(["/destinations/*"], async () => [(await import("./routes/destinations.ts")).destinationRoutes]),
  part(["/people/*"], async () => [(await import("./routes/people.ts")).peopleRoutes]),
  part(["/me", "/sign-ins", "/keys/*"], async () => [(await import("./routes/keys.ts")).keyRoutes]),
  // What tells of everything reads everything.
  { paths: ["/health", "/openapi.json", "/reference"], read: async () => (await import("./app.ts")).app },
  // What is nowhere: refused to whoever is nobody, and not found for the others.
  part(["*"], async () => []),
];

function part(paths: readonly string[], routes: () => Promise<readonly Routes[]>): Part {
  let app: ReturnType<Part["read"]> | undefined;
  const mounted = async () => {
    const [{ behindDoors }, some] = await Promise.all([import("./doors.ts"), routes()]);
    const behind = behindDoors();
    for (const one of some) behind.route("/", one);
    return behind;
  };
  return { paths, read: () => (app ??= mounted()) };
}
