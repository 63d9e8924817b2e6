/** The version of this package, written into the models it makes. A test holds it to package.json. */
export const version = "0.1.0";

declare const __RELPROP_BUILD__: string | undefined;

/**
 * Tells this code from any other, also of the same version: a hash of the sources that it was built from. Undefined
 * where it was not built. What is kept of compiled models is only good for the same code.
 */
export const build: string | undefined =
  typeof __RELPROP_BUILD__ === "string" ? __RELPROP_BUILD__ : undefined;
