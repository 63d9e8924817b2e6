/** The version of this package, written into the models it makes. A test holds it to package.json. */
export const version = "0.1.0";
