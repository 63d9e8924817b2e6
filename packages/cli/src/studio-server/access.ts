/**
 * Access control of the server. It listens on loopback, which every page in a browser of this machine can reach:
 * pages of another origin, and clients without the token, are refused.
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The address that the server listens on. */
export const host = "127.0.0.1";

/** A new secret, 256 bits, fit for a URL. */
export const makeToken = (): string => randomBytes(32).toString("base64url");

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Compares in constant time, so that the duration reveals nothing about the token. */
export const isToken = (given: string | null, token: string): boolean =>
  given !== null && timingSafeEqual(digest(given), digest(token));

/** Whether the Host header names this server; other names may point at loopback (DNS rebinding). */
export const isOwnHost = (request: IncomingMessage, port: number): boolean =>
  ownHosts(port).includes(request.headers.host ?? "");

/** Whether the Origin is a page of this server. Browsers always send one, so a missing one is refused. */
export const isOwnOrigin = (request: IncomingMessage, port: number): boolean =>
  ownHosts(port).some((own) => request.headers.origin === `http://${own}`);

const ownHosts = (port: number): string[] => [`${host}:${port}`, `localhost:${port}`];

/**
 * Headers of every response. Cross-origin isolation enables WASM threads; the content policy allows code
 * from this server only, and models and pictures from https addresses that the user names.
 */
export function securityHeaders(port: number): Readonly<Record<string, string>> {
  const sockets = ownHosts(port).map((own) => `ws://${own}`);
  const policy = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' blob: data: https:",
    "media-src": "'self' blob:",
    "connect-src": `'self' ${sockets.join(" ")} blob: data: https:`,
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  };
  const directives = Object.entries(policy).map(([name, sources]) => `${name} ${sources}`);
  return {
    "Content-Security-Policy": directives.join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}
