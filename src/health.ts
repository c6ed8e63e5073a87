import { Elysia } from "elysia";

import { ApiError } from "./errors.ts";
import type { Services } from "./services.ts";

/** `GET /health`: is this process able to serve? */
export const healthRoutes = ({ database }: Services) =>
  new Elysia({ detail: { tags: ["operation"] } }).get(
    "/health",
    async () => {
      await database.ping().catch((cause: unknown) => {
        throw new ApiError("UNAVAILABLE", { cause });
      });
      return { status: "ok" };
    },
    { detail: { summary: "Whether the service can work" } },
  );
