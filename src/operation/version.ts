import { version as packageVersion } from "../../package.json";

/** As in package.json. */
export const version: string = packageVersion;
