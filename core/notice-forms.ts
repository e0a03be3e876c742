/** A notice as each kind of destination takes it: JSON for programs, blocks for Slack, text for a mail. */
import type { Json } from "./canonical-json.ts";
import type { EventContent } from "./log.ts";
import { cut, type Notice, oneLine } from "./notice.ts";

/** Slack's limits on a header, and on the text of a section: https://docs.slack.dev/reference/block-kit/blocks */
const HEADER = 150;
const SECTION = 3_000;

/** The body of a webhook, the same in every attempt. `event` is left out for a test. */
export function webhookBody(notice: Notice, at: string, event?: EventContent): string {
  const { kind, title, sentence, act, quoted, url } = notice;
  return JSON.stringify({
    type: event?.type ?? "rehearsal.test",
    timestamp: at,
    data: {
      notice: kind,
      seq: event?.seq ?? null,
      environment: event?.environment ?? null,
      promotion: event?.promotion ?? null,
      title,
      text: sentence,
      act: act ?? null,
      quoted: quoted ?? null,
      url: url ?? null,
      details: event?.data ?? {},
    },
  } satisfies Json);
}

/**
 * The body for an incoming webhook of Slack, or of what takes the same. What others have worded stands in `plain_text`
 * alone, where Slack reads no markup, and not in `text`, which others read as Markdown.
 */
export function slackBody(notice: Notice): string {
  const { title, sentence, act, quoted, url } = notice;
  const own = [sentence, act].filter((one) => one !== undefined).join("\n");
  const plain = (text: string, most: number) => ({
    type: "plain_text",
    text: escaped(text, most),
    emoji: false,
  });
  return JSON.stringify({
    text: escaped(`${title}\n${own}${url === undefined ? "" : `\n${url}`}`, SECTION),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: "header", text: plain(title, HEADER) },
      { type: "section", text: plain(own, SECTION) },
      ...(quoted === undefined ? [] : [{ type: "section", text: plain(quoted, SECTION) }]),
      ...(url === undefined
        ? []
        : [{ type: "section", text: { type: "mrkdwn", text: `<${linkable(url)}|Open in the console>` } }]),
    ],
  } satisfies Json);
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping; cut to `most` as it is sent. */
function escaped(text: string, most: number): string {
  const whole = entities(cut(text, most));
  if (whole.length <= most) return whole;
  // What escaping adds has to fit as well, and no entity may be cut in two.
  let kept = "";
  for (const character of cut(text, most)) {
    const next = entities(character);
    if (kept.length + next.length >= most) break;
    kept += next;
  }
  return `${kept}…`;
}

function entities(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The bar ends the address of a link, the bracket the link. */
function linkable(url: string): string {
  return entities(url).replaceAll("|", "%7C");
}

/** A mail's subject: one line, whatever stands in the title. */
export function mailSubject(notice: Notice): string {
  return cut(oneLine(`Rehearsal: ${notice.title.replace(/^Rehearsal: /, "")}`), 200);
}

/** A mail's text for programs that show no HTML. */
export function mailText({ title, sentence, act, quoted, url }: Notice): string {
  const quotes = quoted?.split("\n").map((line) => `> ${line}`);
  const parts = [title, sentence, quotes?.join("\n"), act, url];
  return `${parts.filter((part) => part !== undefined).join("\n\n")}\n`;
}
