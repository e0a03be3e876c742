/** An issuer of tokens on this machine: a discovery document and keys over HTTP, and whatever else an attacker would answer. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from "jose";

export interface SignOptions {
  /** More of the header, or less where undefined. */
  header?: Record<string, unknown>;
  key?: CryptoKey;
}

export type TestIssuer = Awaited<ReturnType<typeof startIssuer>>;

/** Listens on 127.0.0.1; every path under it is an issuer of its own, with the same keys. */
export async function startIssuer() {
  let generation = 0;
  const make = async (alg = "RS256") => {
    const pair = await generateKeyPair(alg, { extractable: true });
    generation += 1;
    const kid = `key-${generation}`;
    return { ...pair, kid, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" } as JWK };
  };
  let current = await make();
  /** Never used to sign: that a key is the issuer's does not make it the one that a token names. */
  const spare = await make();
  const shown: JWK[] = [current.jwk, spare.jwk];
  const asked: string[] = [];
  let answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;

  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    if (answer?.(request, response)) return;
    const base = `http://${request.headers.host}`;
    const discovery = path.match(/^(.*)\/\.well-known\/openid-configuration$/);
    const json = (value: unknown) =>
      response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    if (discovery)
      return void json({ issuer: `${base}${discovery[1]}`, jwks_uri: `${base}${discovery[1]}/keys` });
    if (path.endsWith("/keys")) return void json({ keys: shown });
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const url = `http://127.0.0.1:${address.port}`;

  return {
    url,
    /** The paths that were asked for, oldest first. */
    asked,
    get key() {
      return current;
    },
    spare,
    makeKey: make,
    publicPem: () => exportSPKI(current.publicKey),
    /** From now on it signs with another key; the former stays good unless it is withdrawn. */
    rotate: async ({ withdraw = false, show = true } = {}) => {
      current = await make();
      if (withdraw) shown.splice(0);
      if (show) shown.push(current.jwk);
    },
    show: (jwk: JWK) => shown.push(jwk),
    /** Answers in the server's place where it returns true; nothing gives the server back. */
    answerBy: (other?: typeof answer) => {
      answer = other;
    },
    /** A token of the issuer at `path`, good for five minutes unless the claims say otherwise; undefined leaves a claim out. */
    sign: async (path: string, claims: Record<string, unknown>, options: SignOptions = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      const all = { iss: `${url}${path}`, aud: "rehearsal", iat: now, nbf: now, exp: now + 300, ...claims };
      const payload = JSON.parse(JSON.stringify(all)) as JWTPayload;
      const header = { alg: "RS256", typ: "JWT", kid: current.kid, ...options.header };
      return new SignJWT(payload)
        .setProtectedHeader(JSON.parse(JSON.stringify(header)))
        .sign(options.key ?? current.privateKey);
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
