/** The console: the whole page, as an application of its own under /console that is loaded when somebody first comes there. */
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { RehearsalError } from "../../core/errors.ts";
import { refusalView } from "../../web/console/refusal-page.ts";
import { refusalOf } from "../api/problem.ts";
import { type ApiEnv, withLedger } from "../api/request.ts";
import { noteRoute } from "../api/request-line.ts";
import { assetRoutes } from "./assets.ts";
import { backupPages } from "./backups.ts";
import { environmentPages } from "./environments.ts";
import { refuseForeign, requireFormSecret } from "./foreign.ts";
import { inventoryPages } from "./inventory.ts";
import { logPages } from "./log.ts";
import { peoplePages } from "./people.ts";
import { promotionPages } from "./promotion.ts";
import { promotionListPages } from "./promotion-list.ts";
import { prunePages } from "./prunes.ts";
import { queryPages } from "./queries.ts";
import { reportPages } from "./reports.ts";
import { PREFIX, pages } from "./request.ts";
import { withSession } from "./session.ts";
import { show, tellWhen } from "./show.ts";
import { signInRoutes, signOutRoutes } from "./sign-in.ts";
import { storePages } from "./stores.ts";

/** Bytes of a form; the longest field is a comment. */
const FORM_BYTES = 64 * 1024;

/** Nothing but our own sheet and script, from nowhere else, in nobody's frame; forms lead here alone. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const withHeaders = createMiddleware<ApiEnv>(async (c, next) => {
  await next();
  c.header("content-security-policy", CONTENT_POLICY);
  c.header("x-content-type-options", "nosniff");
  // With no-referrer a browser would send its forms with "Origin: null".
  c.header("referrer-policy", "same-origin");
  c.header("cross-origin-opener-policy", "same-origin");
  if (c.res.headers.get("cache-control") === null) c.header("cache-control", "no-store");
});

const limited = bodyLimit({
  maxSize: FORM_BYTES,
  onError: () => {
    throw new RehearsalError("BodyTooLarge", { limit: FORM_BYTES });
  },
});

export const page = pages().basePath(PREFIX);

page.onError((thrown, c) => {
  const refusal = refusalOf(thrown);
  const { status } = refusal;
  tellWhen(c, refusal);
  return show(c, { title: refusal.message, main: refusalView(refusal, status), status });
});
page.use(noteRoute);
page.use(withHeaders);
page.route("/", assetRoutes);
page.use(withLedger);
page.use(limited);
page.use(refuseForeign);
page.route("/", signInRoutes);
page.use(withSession);
page.use(requireFormSecret);
page.route("/", signOutRoutes);
page.route("/", environmentPages);
page.route("/", promotionListPages);
page.route("/", promotionPages);
page.route("/", backupPages);
page.route("/", prunePages);
page.route("/", storePages);
page.route("/", queryPages);
page.route("/", reportPages);
page.route("/", inventoryPages);
page.route("/", logPages);
page.route("/", peoplePages);
page.all("*", (c) => {
  throw new RehearsalError("NotFound", { what: "page", name: c.req.path });
});
