/** What storing costs in money (spec/nexus.md 20.3, M1 and M3). */

/** Prices in μ, the millionth of a unit. */
export interface Tariff {
  /** For every 465 bytes begun, once. */
  readonly relayPer465Bytes: number;
  /** For a MiB kept an hour. */
  readonly storagePerMiBHour: number;
}

/** The default tariff. */
export const DEFAULT_TARIFF: Tariff = {
  relayPer465Bytes: 5,
  storagePerMiBHour: 50,
};

const MIB_HOUR = 2 ** 20 * 3_600;

/** The fee for relaying `bytes` and keeping them for `seconds`, in whole μ. */
export function feeFor(
  bytes: number,
  seconds: number,
  tariff: Tariff = DEFAULT_TARIFF,
): number {
  return tariff.relayPer465Bytes * Math.ceil(bytes / 465) +
    Math.ceil(tariff.storagePerMiBHour * bytes * seconds / MIB_HOUR);
}
