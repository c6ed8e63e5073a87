import { clientNetwork, clientNetworks } from "../http/client-address.ts";

/** The client of a request: its IP address, and the account that it uses or asks for, which may not exist. */
export interface Client {
  readonly address: string;
  /** The id of the signed-in account, or else the unique key of the requested e-mail address. */
  readonly account: string;
}

/** Hashes an account's id or e-mail key to 22 characters, so that keys are short and hold no address. */
export const accountHash = (account: string): string =>
  new Bun.CryptoHasher("sha256").update(account).digest("base64url").slice(0, 22);

/**
 * Names the parties of a client that has authenticated as its account.
 * @returns names for a fair semaphore
 */
export const authenticatedParties = ({ address, account }: Client): string[] => [
  `account:${accountHash(account)}`,
  ...networkParties(address),
];

/**
 * Names the parties of a client that only claims to be its account. The account counts separately for each network, so
 * that strangers never take the turns of its owner.
 * @returns names for a fair semaphore
 */
export const claimedParties = ({ address, account }: Client): string[] => [
  `account:${accountHash(account)}:${clientNetwork(address)}`,
  ...networkParties(address),
];

/** Names the networks of an IP address. @returns names for a fair semaphore */
export const networkParties = (address: string): string[] =>
  clientNetworks(address).map(({ name }) => `network:${name}`);
