/** An environment's store: where it stands, and bringing it up and comparing it begun from there. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { may } from "../../core/access.ts";
import { describePlace } from "../../core/stores.ts";
import { isTaskEnded, TASKS } from "../../core/tasks.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { listStores, type StoreRow } from "../../io/ledger/stores.ts";
import { listTasks } from "../../io/ledger/tasks.ts";
import type { Refusal } from "../../web/console/alert.ts";
import { RELOADED } from "../../web/console/current.ts";
import { environmentStoreView, type StoreView } from "../../web/console/store.ts";
import { guard } from "../api/access.ts";
import { startStoreSync, startStoreVerify } from "../store-start.ts";
import { formOf, NAME, once } from "./doors.ts";
import { formSecret, type PageContext, PREFIX, pages } from "./request.ts";
import { act, show } from "./show.ts";

/** Tasks that a page shows. */
const FEW = 20;

const at = (name: string) => `${PREFIX}/environments/${name}/store`;

export const storePages = pages()
  .get(`/environments/${NAME}/store`, guard({ permission: "read", of: "environment" }), (c) =>
    storePage(c, c.req.param("name"), {
      notice: c.req.query("done") === "started" ? "It is under way." : undefined,
    }),
  )
  .post(`/environments/${NAME}/store/sync`, guard({ permission: "promote", of: "environment" }), (c) =>
    begun(c, async (environment, who) => {
      await startStoreSync(await c.var.ledger(), { environment, seconds: 0, forget: false }, who);
    }),
  )
  .post(`/environments/${NAME}/store/verify`, guard({ permission: "promote", of: "environment" }), (c) =>
    begun(c, async (environment, who) => {
      await startStoreVerify(await c.var.ledger(), { environment }, who);
    }),
  );

/** What a form of the page does. */
function begun(
  c: PageContext,
  work: (environment: string, who: { person: string; key: string }) => Promise<void>,
): Promise<Response> {
  const name = c.req.param("name") ?? "";
  return act(
    c,
    async () => {
      const form = await formOf(c, z.object({ once }));
      await work(name, { person: c.var.person, key: `console-${form.once}` });
      return `${at(name)}?done=started`;
    },
    (refused) => storePage(c, name, refused),
  );
}

interface Told {
  notice?: string | undefined;
  refusal?: Refusal;
  status?: number;
}

async function storePage(c: PageContext, name: string, told: Told): Promise<Response> {
  const ledger = await c.var.ledger();
  const environment = await readEnvironment(ledger, name);
  const [newest] = await listStores(ledger, { environment: name, limit: 1 });
  const kinds = TASKS.filter((kind) => kind.startsWith("store-"));
  const tasks = await listTasks(ledger, { environment: name, kinds, limit: FEW });
  const main = environmentStoreView({
    ...{ environment, tasks, store: newest && viewOf(newest) },
    mayPromote: may(c.var.actor, "promote", name),
    ...{ once: randomUUID(), now: new Date(), csrf: formSecret(c) },
    ...{ notice: told.notice, refusal: told.refusal },
  });
  const busy = tasks.some(({ status }) => !isTaskEnded(status));
  return show(c, {
    title: `Store of ${name}`,
    main,
    status: told.status,
    refresh: busy ? RELOADED : undefined,
  });
}

function viewOf({ facts, place, ...row }: StoreRow): StoreView {
  const { rows, feed, lag, verification, production } = facts;
  return {
    ...row,
    place: describePlace(place),
    ...{ rows, feed, lag, verification, database: production?.name },
  };
}
