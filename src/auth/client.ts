import { clientNetwork, clientNetworks } from "../http/client-address.ts";

/** The client of a request: its address, and the account that it is or asks for, which may not exist. */
export interface Client {
  readonly address: string;
  /** Its id, or the unique key of the e-mail address that is asked for. */
  readonly account: string;
}

/** A short name for an account that does not show its address, however long the text is that a client asks for. */
export const accountHash = (account: string): string =>
  new Bun.CryptoHasher("sha256").update(account).digest("base64url").slice(0, 22);

/**
 * The parties of a client that has proved to be this account.
 * @returns names for a fair semaphore
 */
export const partiesOf = ({ address, account }: Client): string[] => [
  `account:${accountHash(account)}`,
  ...networkParties(address),
];

/**
 * The parties of a client that only says which account it is. The account counts separately for each network, so that
 * strangers never take the turns of its owner.
 * @returns names for a fair semaphore
 */
export const partiesOfClaim = ({ address, account }: Client): string[] => [
  `account:${accountHash(account)}:${clientNetwork(address)}`,
  ...networkParties(address),
];

const networkParties = (address: string) => clientNetworks(address).map(({ name }) => `network:${name}`);
