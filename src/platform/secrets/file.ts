import { readFile, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import { membersOf, type SecretSource } from '../secrets.ts'

/** A secret is a few keys; a bigger file is a mistake. */
const MAX_BYTES = 64 * 1024

/** `file:path#key`: a JSON object in a file below `folder` (links resolved), which others than its owner must not be able to read or write. */
export function fileSecrets(folder: string): SecretSource {
  return async (path, key) => {
    const [root, file] = await Promise.all([resolved(folder), resolved(join(folder, path))])
    const inside = relative(root, file)
    if (isAbsolute(path) || inside.startsWith('..') || isAbsolute(inside))
      throw new Error('is outside the secrets folder')
    const { size, mode } = await stat(file)
    if ((mode & 0o007) !== 0) throw new Error('may be used by everyone: chmod o= the file')
    if (size > MAX_BYTES) throw new Error('is too large')
    return membersOf(await readFile(file, 'utf8'), key)
  }
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    throw new Error("can't be read")
  }
}
