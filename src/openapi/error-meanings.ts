import type { apiErrors, ApiErrorCode } from "../errors.ts";

/** Errors whose detail is a code rather than a sentence. */
type SentAsCode = {
  [Code in ApiErrorCode]: (typeof apiErrors)[Code]["detail"] extends Code ? Code : never;
}[ApiErrorCode];

/** Explanations of errors whose detail is a code or too short. */
export const errorMeanings: Record<SentAsCode, string> & Partial<Record<ApiErrorCode, string>> = {
  UNAUTHORIZED:
    "The access token or session is missing, expired, ended or invalid, or its account is deactivated.",
  FORBIDDEN:
    "The account may not do this. The route is for superusers, or the service requires a verified email address.",
  CROSS_ORIGIN_REQUEST:
    "The request carries the session cookie, or asks for it, and does not come from a page of the service or of a listed origin.",
  NOT_FOUND: "There is nothing under this address.",
  PRECONDITION_FAILED: "The file is not the version that `If-Match` or `If-Unmodified-Since` asks for.",
  BODY_TOO_LARGE: "The request body is larger than 64 kB.",
  BODY_TOO_SLOW: "The request body did not arrive within half a minute.",
  BAD_MULTIPART: "The multipart body is malformed.",
  TOO_MANY_REQUESTS: "The rate limit is used up for now.",
  INTERNAL: "Something went wrong in the service. Its log has the details under the request's id.",
  OVERLOADED: "Too much expensive work is waiting: hashing of passwords, or processing of media.",
  STOPPING: "The service is shutting down.",
  UNAVAILABLE: "The database cannot be reached.",

  REGISTER_USER_ALREADY_EXISTS: "An account with this email address already exists.",
  REGISTER_CLOSED: "The service does not accept new accounts without an invitation.",
  REGISTER_BAD_INVITATION:
    "The invitation is missing, unknown, expired or used up, or is for another email address.",
  REGISTER_INVALID_PASSWORD: "The password is not accepted; `reason` says why.",
  LOGIN_BAD_CREDENTIALS: "The email address or the password is wrong, or the account is deactivated.",
  LOGIN_USER_NOT_VERIFIED: "The service requires a verified email address.",
  RESET_PASSWORD_BAD_TOKEN: "The token is invalid, expired or already used, or its account is deactivated.",
  RESET_PASSWORD_INVALID_PASSWORD: "The password is not accepted; `reason` says why. The token stays valid.",
  VERIFY_USER_BAD_TOKEN: "The token is invalid or expired, or the account has another email address by now.",
  VERIFY_USER_ALREADY_VERIFIED: "The email address is verified already.",
  UPDATE_USER_EMAIL_ALREADY_EXISTS: "Another account has this email address.",
  UPDATE_USER_INVALID_PASSWORD: "The password is not accepted; `reason` says why.",
  PASSWORD_LOGIN_OFF: "The service does not use passwords: sign in with its OpenID Connect provider.",
  OAUTH_INVALID_STATE:
    "The sign-in began in another browser, expired after ten minutes, or was completed already.",
  OAUTH_ACCESS_DENIED: "The user or the provider refused the sign-in.",
  OAUTH_FAILED: "The provider's answer is not acceptable. The log has the reason.",
  OAUTH_NOT_AVAILABLE_EMAIL: "The provider sends no valid email address.",
  OAUTH_USER_ALREADY_EXISTS:
    "Another account has the email address, or the identity. An account is linked by its address only if both it and the provider have verified the address.",
  OAUTH_PROVIDER_UNAVAILABLE: "The provider cannot be reached.",
  LAST_SIGN_IN_METHOD: "The account would have no way to sign in any more.",
  CURRENT_PASSWORD_REQUIRED:
    "A session must confirm a new address or password, a new linked identity, and the deletion of its account with the current password. Without a password, the session must have begun within the last ten minutes.",
  CURRENT_PASSWORD_WRONG: "The current password is wrong.",

  POST_NOT_FOUND: "There is no post with this id.",
  NOT_YOUR_POST: "Only its author and superusers can delete a post.",
  NOT_YOUR_POST_TO_EDIT: "Only its author can edit a post.",
  QUOTA_EXCEEDED: "The upload does not fit into the space that the account may use.",
  TOO_MANY_UPLOADS: "The account has as many uploads running as it may have at once.",
  UPLOAD_IN_PROGRESS: "An upload with the same `Idempotency-Key` is still running.",
  UNSUPPORTED_MEDIA: "The file is not an image or video of a supported format.",
  DAMAGED_MEDIA: "The file is damaged or incomplete.",
  FILE_TOO_LARGE: "The file is larger than the limit for images or videos.",
  UPLOAD_TOO_SLOW: "The upload took too long.",
  UPLOAD_OFFSET: "The upload has another offset. `HEAD` tells it.",
  UPLOAD_LENGTH_EXCEEDED: "The body has more bytes than the rest of the upload.",
  UPLOAD_LOCKED: "Another request is working on the upload, or has taken it over.",
  UPLOAD_NODE_UNREACHABLE: "The machine that has the bytes of the upload cannot be reached.",
  TOO_MANY_UNFINISHED: "The account has as many unfinished uploads as it may have, or as many bytes in them.",
  BAD_CHECKSUM: "The checksum is malformed, or its algorithm is not supported.",
  CHECKSUM_MISMATCH: "The body does not have the checksum of `Upload-Checksum`. It was discarded.",
  STORAGE_FULL: "The service has no space left.",
  STORE_UNAVAILABLE: "The media store cannot be reached.",
  STORE_FAILED: "The media store did not accept the file.",
};
