/**
 * The HTTP API whole: every resource behind the doors. The typed client, the OpenAPI document and the tables of who may
 * what are made from it; a function reads of it only the part that a request is for (`front.ts`).
 */
import { behindDoors } from "./doors.ts";
import { adoptionRoutes } from "./routes/adoptions.ts";
import { archivedRoutes } from "./routes/archived.ts";
import { artifactRoutes } from "./routes/artifacts.ts";
import { backupTaskRoutes } from "./routes/backup-tasks.ts";
import { backupRoutes } from "./routes/backups.ts";
import { checkRoutes } from "./routes/checks.ts";
import { decisionRoutes } from "./routes/decisions.ts";
import { destinationRoutes } from "./routes/destinations.ts";
import { endingRoutes } from "./routes/endings.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { fileImportRoutes } from "./routes/file-imports.ts";
import { healthRoutes } from "./routes/health.ts";
import { holdingRoutes } from "./routes/holdings.ts";
import { holdRoutes } from "./routes/holds.ts";
import { intakeRoutes } from "./routes/intakes.ts";
import { issuerRoutes } from "./routes/issuers.ts";
import { keyRoutes } from "./routes/keys.ts";
import { logRoutes } from "./routes/log.ts";
import { peopleRoutes } from "./routes/people.ts";
import { planRoutes } from "./routes/plans.ts";
import { progressRoutes } from "./routes/progress.ts";
import { promotionRoutes } from "./routes/promotions.ts";
import { pruneRoutes } from "./routes/prunes.ts";
import { queryRoutes } from "./routes/queries.ts";
import { referenceRoutes } from "./routes/reference.ts";
import { releaseRoutes } from "./routes/releases.ts";
import { replayRoutes } from "./routes/replays.ts";
import { reportingRoutes } from "./routes/reporting.ts";
import { shapeRoutes } from "./routes/shapes.ts";
import { sqliteImportRoutes } from "./routes/sqlite-imports.ts";
import { storeRoutes } from "./routes/stores.ts";
import { taskRoutes } from "./routes/tasks.ts";

export const app = behindDoors();

const routed = app
  .route("/", healthRoutes)
  .route("/", environmentRoutes)
  .route("/", holdingRoutes)
  .route("/", releaseRoutes)
  .route("/", planRoutes)
  .route("/", promotionRoutes)
  .route("/", progressRoutes)
  .route("/", decisionRoutes)
  .route("/", endingRoutes)
  .route("/", artifactRoutes)
  .route("/", backupRoutes)
  .route("/", backupTaskRoutes)
  .route("/", taskRoutes)
  .route("/", replayRoutes)
  .route("/", shapeRoutes)
  .route("/", adoptionRoutes)
  .route("/", intakeRoutes)
  .route("/", fileImportRoutes)
  .route("/", sqliteImportRoutes)
  .route("/", storeRoutes)
  .route("/", pruneRoutes)
  .route("/", holdRoutes)
  .route("/", archivedRoutes)
  .route("/", issuerRoutes)
  .route("/", destinationRoutes)
  .route("/", logRoutes)
  .route("/", checkRoutes)
  .route("/", queryRoutes)
  .route("/", reportingRoutes)
  .route("/", peopleRoutes)
  .route("/", keyRoutes)
  .route("/", referenceRoutes(app));

/** Every route with what it takes and answers, for the typed client. */
export type Api = typeof routed;
