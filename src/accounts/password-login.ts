import { ApiError } from "../errors.ts";

/** Whether users can sign in with a password (`PASSWORD_LOGIN`). */
interface PasswordLoginSetting {
  readonly passwordLogin: boolean;
}

/** @throws ApiError PASSWORD_LOGIN_OFF where users cannot sign in with a password */
export function requirePasswordLogin({ passwordLogin }: PasswordLoginSetting): void {
  if (!passwordLogin) throw new ApiError("PASSWORD_LOGIN_OFF");
}

/** Creates a parser that reads nothing and rejects the request where users cannot sign in with a password. */
export const refuseWithoutPasswords = (setting: PasswordLoginSetting) => (): undefined =>
  void requirePasswordLogin(setting);
