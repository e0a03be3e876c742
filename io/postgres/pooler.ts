/** Poolers: whether a session of ours is one session of the server's, which everything after rests on. */
import { RehearsalError } from "../../core/errors.ts";
import { openSession, type Session } from "./session.ts";

/** So often alone, for poolers that give out their sessions in turn or by lot. */
const ASKED = 8;
/** So often beside another, for a pool that somebody's leaving or coming changes in between. */
const ROUNDS = 3;
const DEADLINE = 5_000;

/**
 * Throws `PoolerFound` when statements of the session may run in a server's session that others use as well: behind PgBouncer in
 * transaction mode, say. A proxy that keeps one for each of ours, such as Neon's, passes.
 */
export async function assertDirect(session: Session): Promise<void> {
  // A server names itself in the handshake by the very number that its session has.
  if (session.pid === session.announcedPid) return;
  for (let round = 0; round < ROUNDS; round++) await compareWithAnother(session);
}

async function compareWithAnother(session: Session): Promise<void> {
  const { host } = session.address;
  const found = (sign: string) => new RehearsalError("PoolerFound", { host, sign });
  const pidOf = async (of: Session) =>
    (await of.query<{ pid: number }>("select pg_backend_pid() as pid"))[0]?.pid;
  for (let asked = 0; asked < ASKED; asked++)
    if ((await pidOf(session)) !== session.pid)
      throw found("two statements ran in two sessions of the server");
  const other = await openSession(session.address, { application: "rehearsal pooler check" });
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(found("while one session had a transaction open, another got no answer")),
    DEADLINE,
  );
  try {
    // The other one holds what it was given. If that was not ours already, we are given something else now, or nothing.
    await Promise.race([begin(other, found), deadline.promise]);
    const shared = found("two sessions were given the same session of the server");
    if ((await Promise.race([pidOf(other), deadline.promise])) === session.pid) throw shared;
    const asking = pidOf(session);
    // At the deadline it may still wait, until the session is closed.
    asking.catch(() => undefined);
    if ((await Promise.race([asking, deadline.promise])) !== session.pid) throw shared;
  } finally {
    clearTimeout(timer);
    other.destroy();
  }
}

/** A pooler that lends its sessions for one statement refuses what would hold one for longer. */
async function begin(session: Session, found: (sign: string) => RehearsalError): Promise<void> {
  try {
    await session.execute("begin");
  } catch (error) {
    if (error instanceof RehearsalError && /pooling mode/.test(error.message)) throw found(error.message);
    throw error;
  }
}
