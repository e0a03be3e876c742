/** What stands in front of every route: the ledger, identity, the size of bodies, and one way to refuse. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { except } from "hono/combine";
import { getPath } from "hono/utils/url";
import { RehearsalError } from "../../core/errors.ts";
import { withoutIamPrefix } from "../identity/iam-prefix.ts";
import { notFound, onError } from "./problem.ts";
import { type ApiEnv, api, heldPipeline, withActor, withLedger } from "./request.ts";
import { noteRoute } from "./request-line.ts";

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

/** An application that has the doors and, as yet, no route behind them: each that is mounted on it is behind them all. */
export function behindDoors(): OpenAPIHono<ApiEnv> {
  const app = api({ getPath: (request) => withoutIamPrefix(getPath(request)) });
  app.onError(onError);
  app.notFound(notFound);
  app.use(noteRoute);
  app.use(withLedger);
  app.use(except(["/health", "/openapi.json", "/reference"], withActor, heldPipeline));
  app.use(except("/releases", limited(BODY_BYTES)));
  app.use("/releases", limited(MANIFEST_BYTES));
  return app;
}
