/** The HTTP API: doors, identity, the resources, and one way to refuse. */
import { bodyLimit } from "hono/body-limit";
import { except } from "hono/combine";
import { getPath } from "hono/utils/url";
import { RehearsalError } from "../../core/errors.ts";
import { withoutIamPrefix } from "../identity/iam.ts";
import { notFound, onError } from "./problem.ts";
import { api, heldPipeline, withActor, withLedger } from "./request.ts";
import { adoptionRoutes } from "./routes/adoptions.ts";
import { artifactRoutes } from "./routes/artifacts.ts";
import { backupTaskRoutes } from "./routes/backup-tasks.ts";
import { backupRoutes } from "./routes/backups.ts";
import { checkRoutes } from "./routes/checks.ts";
import { decisionRoutes } from "./routes/decisions.ts";
import { destinationRoutes } from "./routes/destinations.ts";
import { endingRoutes } from "./routes/endings.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { healthRoutes } from "./routes/health.ts";
import { holdingRoutes } from "./routes/holdings.ts";
import { issuerRoutes } from "./routes/issuers.ts";
import { keyRoutes } from "./routes/keys.ts";
import { logRoutes } from "./routes/log.ts";
import { peopleRoutes } from "./routes/people.ts";
import { planRoutes } from "./routes/plans.ts";
import { progressRoutes } from "./routes/progress.ts";
import { promotionRoutes } from "./routes/promotions.ts";
import { referenceRoutes } from "./routes/reference.ts";
import { releaseRoutes } from "./routes/releases.ts";
import { replayRoutes } from "./routes/replays.ts";
import { shapeRoutes } from "./routes/shapes.ts";
import { taskRoutes } from "./routes/tasks.ts";

/** Bytes of a body; a release's manifest of ten thousand files is larger. */
const BODY_BYTES = 1024 * 1024;
const MANIFEST_BYTES = 4 * 1024 * 1024;

const limited = (bytes: number) =>
  bodyLimit({
    maxSize: bytes,
    onError: () => {
      throw new RehearsalError("BodyTooLarge", { limit: bytes });
    },
  });

export const app = api({ getPath: (request) => withoutIamPrefix(getPath(request)) });

app.onError(onError);
app.notFound(notFound);
// Before everything of the API: the page has its own doors, and a browser's session opens none of the API's.
app.all("/console/*", async (c) => (await import("../page/main.ts")).page.fetch(c.req.raw, c.env));
app.get("/", async (c, next) =>
  c.req.header("accept")?.includes("text/html") ? c.redirect("/console") : next(),
);
app.use(withLedger);
app.use(except(["/health", "/openapi.json", "/reference"], withActor, heldPipeline));
app.use(except("/releases", limited(BODY_BYTES)));
app.use("/releases", limited(MANIFEST_BYTES));

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
  .route("/", issuerRoutes)
  .route("/", destinationRoutes)
  .route("/", logRoutes)
  .route("/", checkRoutes)
  .route("/", peopleRoutes)
  .route("/", keyRoutes)
  .route("/", referenceRoutes(app));

/** Every route with what it takes and answers, for the typed client. */
export type Api = typeof routed;
