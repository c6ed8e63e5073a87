// Runs before every `bun test`, whatever files it runs.
import { afterAll } from "bun:test";

import { forgetDatabases } from "./postgres.ts";

afterAll(forgetDatabases);
