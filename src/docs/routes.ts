import { swagger } from "@elysiajs/swagger";
import { Elysia } from "elysia";

/** `GET /openapi.json`. */
export const docsRoutes = () =>
  new Elysia({ name: "docs" }).use(
    swagger({
      path: "/docs",
      specPath: "/openapi.json",
      documentation: { info: { title: "Image Sharing", version: "0.1.0" } },
    }),
  );
