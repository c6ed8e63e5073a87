import type { Viewer } from "../database/users.ts";

/** An account as the API shows it. */
export const userRead = ({ id, email, isActive, isSuperuser, isVerified }: Viewer) => ({
  id,
  email,
  is_active: isActive,
  is_superuser: isSuperuser,
  is_verified: isVerified,
});
