import { Type as t, type Static } from "@sinclair/typebox";

import type { Session } from "../database/sessions.ts";
import { nullable, uuid } from "../openapi/schemas.ts";

const time = (example: string, description: string) =>
  t.String({ format: "date-time", description, examples: [example] });

const sessionSchema = t.Object({
  id: uuid("6f1c1c36-8a0e-4f6b-9a53-0a5f3a1c7b42", "For `DELETE /users/me/sessions/{id}`."),
  created_at: time("2026-01-31T12:00:00.000Z", "When the user signed in."),
  last_used_at: time("2026-02-03T08:12:09.000Z", "The last use, up to ten minutes late."),
  expires_at: time("2026-03-05T08:12:09.000Z", "When the session ends unless it is used again."),
  user_agent: nullable(
    t.String({
      description: "The `User-Agent` header of the login.",
      examples: ["Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"],
    }),
  ),
  current: t.Boolean({ description: "Whether this request used the session.", examples: [true] }),
});

export const sessionsSchema = t.Array(sessionSchema, { $id: "Sessions" });

/** Returns a session as the API shows it. */
export const sessionRead = (session: Session, currentId: string): Static<typeof sessionSchema> => ({
  id: session.id,
  created_at: session.createdAt.toISOString(),
  last_used_at: session.lastUsedAt.toISOString(),
  expires_at: session.expiresAt.toISOString(),
  user_agent: session.userAgent,
  current: session.id === currentId,
});
