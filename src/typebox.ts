/**
 * typebox, for everybody: the build makes one module of the library's six hundred, for each of which Node would keep records of
 * its own. With ten terminals the gateway takes 7 MB less.
 */
export { type Static, type TSchema, Type } from "typebox";
export { Value } from "typebox/value";
