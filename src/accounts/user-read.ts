import { Type as t, type Static } from "@sinclair/typebox";

import type { Usage } from "../database/usage.ts";
import type { ListedUser, Viewer } from "../database/users.ts";
import { exampleIds, nextCursor, nullable, uuid } from "../openapi/schemas.ts";

/** An account as the API shows it: its documentation, and through {@link UserRead} its type. */
export const userSchema = t.Object(
  {
    id: uuid(exampleIds.user, "Never changes."),
    // No `format`: the addresses of RFC 6531 fit no validator of `email`.
    email: t.String({ examples: ["ada@example.com"] }),
    name: nullable(
      t.String({ description: "The display name; null if the user has not chosen one.", examples: ["Ada"] }),
    ),
    is_active: t.Boolean({ description: "Deactivated accounts cannot log in.", examples: [true] }),
    is_superuser: t.Boolean({ description: "Superusers can manage every account.", examples: [false] }),
    is_verified: t.Boolean({
      description: "Whether the user has verified the email address.",
      examples: [false],
    }),
  },
  { $id: "UserRead" },
);

export type UserRead = Static<typeof userSchema>;

/** Returns an account as the API shows it. */
export const userRead = ({ id, email, name, isActive, isSuperuser, isVerified }: Viewer): UserRead => ({
  id,
  email,
  name,
  is_active: isActive,
  is_superuser: isSuperuser,
  is_verified: isVerified,
});

const usageFields = {
  posts: t.Integer({ description: "Number of posts.", examples: [12] }),
  bytes: t.Integer({ format: "int64", description: "Size of their files.", examples: [28_800_000] }),
};

/** The signed-in user's own account. */
export const ownUserSchema = t.Object(
  {
    ...userSchema.properties,
    usage: t.Optional(
      t.Object(
        {
          ...usageFields,
          quota: nullable(
            t.Integer({
              format: "int64",
              description: "Bytes that the files may have; null for no limit.",
              examples: [10_737_418_240],
            }),
          ),
        },
        { description: "The space that your posts take up. Only with `include=usage`." },
      ),
    ),
  },
  { $id: "OwnUser" },
);

export type OwnUserRead = Static<typeof ownUserSchema>;

/** An account in the list for superusers. */
const listedUserSchema = t.Object({
  ...userSchema.properties,
  created_at: t.String({ format: "date-time", examples: ["2026-11-23T09:28:35.183Z"] }),
  ...usageFields,
});

export const userPageSchema = t.Object(
  {
    users: t.Array(listedUserSchema),
    next_cursor: nextCursor,
  },
  { $id: "UserPage" },
);

/** Returns an account as the list shows it. */
export const listedUserRead = (
  user: ListedUser,
  { posts, bytes }: Usage,
): Static<typeof listedUserSchema> => ({
  ...userRead(user),
  created_at: user.createdAt.toISOString(),
  posts,
  bytes,
});
