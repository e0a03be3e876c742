/** Somebody at the console: signed in by a key, with the headers that a browser sends, and forms filled in as they stand on the page. */
import type { World } from "../api/world.ts";

export type Visitor = Awaited<ReturnType<typeof visit>>;

/** Signs in. */
export async function visit(world: World, key: string) {
  const send = (path: string, init: RequestInit = {}) =>
    world.app.request(path, {
      ...init,
      headers: { "sec-fetch-site": "same-origin", ...(init.headers as Record<string, string>) },
    });
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    send(path, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    });
  const signedIn = await post("/console/sign-in", { key });
  const cookie = signedIn.headers.getSetCookie().map((one) => one.split(";")[0])[0];
  if (cookie === undefined) throw new Error(`not signed in: ${signedIn.status}`);
  const get = (path: string, headers: Record<string, string> = {}) =>
    send(path, { headers: { cookie, ...headers } });
  const read = async (path: string) => (await get(path)).text();
  return {
    get,
    read,
    /** Fills in the form of that page which leads to `action`, with what stands in it hidden, and sends it. */
    submit: async (path: string, action: string, fields: Record<string, string> = {}) => {
      const forms = (await read(path)).match(/<form.*?<\/form>/gs) ?? [];
      const form = forms.find((one) => one.includes(`action="${action}"`));
      if (form === undefined) throw new Error(`${path} has no form that leads to ${action}`);
      const hidden = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
      return post(
        action,
        { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields },
        { cookie },
      );
    },
    /** Sends what no form on the page would: the session's secret with any fields, to any path. */
    force: async (path: string, fields: Record<string, string> = {}) => {
      const csrf = /name="csrf" value="([^"]*)"/.exec(await read("/console/promotions"))?.[1] ?? "";
      return post(path, { csrf, ...fields }, { cookie });
    },
  };
}
