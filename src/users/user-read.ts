import type { Viewer } from "../database/users.ts";

/** Converts an account to FastAPI Users' `UserRead`. */
export const userRead = ({ id, email, isActive, isSuperuser, isVerified }: Viewer) => ({
  id,
  email,
  is_active: isActive,
  is_superuser: isSuperuser,
  is_verified: isVerified,
});
