/** Arithmetic modulo a number, as RSA needs it. */
import { type RandomBytes, systemRandom } from "../random.ts";
import type { Bytes } from "../bytes.ts";
import { integerOfBytes } from "../minima/minidata.ts";

/** Bits of the exponent that {@link power} takes at a time, and their values. */
const WINDOW = 5;
const DIGITS = 2 ** WINDOW;
/** Below so many bits an exponent has too few digits to pay for a table. */
const SMALL = 64n;

/** `base^exponent mod modulus`. */
export function power(
  base: bigint,
  exponent: bigint,
  modulus: bigint,
): bigint {
  if (exponent >> SMALL === 0n) return smallPower(base, exponent, modulus);
  const powers = [1n];
  for (let i = 1; i < DIGITS; i++) {
    powers.push((powers[i - 1] as bigint) * base % modulus);
  }
  let result = 1n;
  for (const digit of exponent.toString(DIGITS)) {
    for (let i = 0; i < WINDOW; i++) result = result * result % modulus;
    result = result * (powers[parseInt(digit, DIGITS)] as bigint) % modulus;
  }
  return result;
}

/** The same bit by bit: public exponents have few of them. */
function smallPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = result * result % modulus;
    if (bit === "1") result = result * base % modulus;
  }
  return result % modulus;
}

/** The inverse modulo n by the extended Euclidean algorithm. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [r, next] = [modulus, value % modulus];
  let [t, nextT] = [0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  return t < 0n ? t + modulus : t;
}

/** A number as exactly that many big-endian bytes. */
export function toBytes(value: bigint, length: number): Bytes {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * length, "0"));
}

/** Blinds numbers before a secret exponent is applied to them. */
export interface Blinding {
  /** The number times `r^e`. */
  blind(value: bigint): bigint;
  /** The number that was raised, over `r`. */
  unblind(value: bigint): bigint;
}

/** How often a blinding is squared before it is drawn anew. */
const USES = 32;

/**
 * Blindings of a key, another each time. Drawing one takes an inversion, a
 * quarter of the whole private operation; the square of one is as good, and
 * takes next to nothing.
 */
export class Blinder {
  readonly #modulus: bigint;
  readonly #exponent: bigint;
  readonly #random: RandomBytes;
  #raised = 0n;
  #inverse = 0n;
  #uses = USES;

  /** For a modulus and its public exponent. */
  constructor(
    modulus: bigint,
    exponent: bigint,
    random: RandomBytes = systemRandom,
  ) {
    this.#modulus = modulus;
    this.#exponent = exponent;
    this.#random = random;
  }

  /** The next one, for one operation. */
  next(): Blinding {
    const modulus = this.#modulus;
    if (this.#uses === USES) this.#draw();
    else {
      this.#raised = this.#raised * this.#raised % modulus;
      this.#inverse = this.#inverse * this.#inverse % modulus;
      this.#uses++;
    }
    const [raised, inverse] = [this.#raised, this.#inverse];
    return {
      blind: (value) => value * raised % modulus,
      unblind: (value) => value * inverse % modulus,
    };
  }

  #draw(): void {
    const modulus = this.#modulus;
    const bytes = this.#random(Math.ceil(modulus.toString(16).length / 2));
    const r = 2n + integerOfBytes(bytes) % (modulus - 3n);
    this.#raised = power(r, this.#exponent, modulus);
    this.#inverse = inverse(r, modulus);
    this.#uses = 1;
  }
}
