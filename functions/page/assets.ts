/** The console's sheet and script: served under their hashes, so that a browser keeps them for good and never a stale one. */
import { sha256 } from "../../core/digest.ts";
import { LIVE } from "../../web/console/live.ts";
import { PROMOTION_STYLE } from "../../web/console/promotion-style.ts";
import { STYLE } from "../../web/console/style.ts";
import { PREFIX, pages } from "./request.ts";

const nameOf = (name: string, text: string, ending: string) =>
  `${name}-${sha256(text).slice(0, 16)}.${ending}`;

const SHEET = STYLE + PROMOTION_STYLE;

const STYLE_NAME = nameOf("style", SHEET, "css");
const SCRIPT_NAME = nameOf("live", LIVE, "js");

export const assets = { style: `${PREFIX}/${STYLE_NAME}`, script: `${PREFIX}/${SCRIPT_NAME}` };

const forGood = (type: string) => ({
  "content-type": `${type}; charset=utf-8`,
  "cache-control": "public, max-age=31536000, immutable",
});

export const assetRoutes = pages()
  .get(`/${STYLE_NAME}`, (c) => c.body(SHEET, 200, forGood("text/css")))
  .get(`/${SCRIPT_NAME}`, (c) => c.body(LIVE, 200, forGood("text/javascript")));
