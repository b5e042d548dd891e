/**
 * What may run beside a group: nothing (delays, and times that both ends have to agree on), others that measure the rates of media
 * and mostly wait, or all the rest.
 */
export const BESIDE = { NOTHING: 0, MEDIA: 1, REST: 2 };
