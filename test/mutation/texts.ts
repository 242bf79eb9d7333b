/**
 * Leaves the texts for people unmutated: what an `assert` says and the detail of a `Fault`. Their wording is nobody's
 * contract; the condition of the assert and the code of the fault stay mutated.
 */

/** As much of Babel's path as is looked at. */
type Node = { readonly type: string; readonly name?: string; readonly callee?: Node; readonly arguments?: unknown[] }
type Path = { readonly node: Node; readonly parent: Node | null }

/** Who takes a text for people, always as the second argument. */
const SPEAKERS: ReadonlySet<string> = new Set(['assert', 'Fault'])

const isText = ({ node, parent }: Path): boolean =>
  parent !== null && SPEAKERS.has(parent.callee?.name ?? '') && parent.arguments?.[1] === node

/** Found by Stryker under this name. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'texts',
    value: { shouldIgnore: (path: Path) => (isText(path) ? 'a text for people' : undefined) },
  },
] as const
