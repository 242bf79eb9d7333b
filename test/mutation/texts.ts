/**
 * What is left unmutated. Texts for people: what an `assert` says and the detail of a `Fault`; their wording is nobody's
 * contract. And the words of an `as const` table: they are a type, so the compiler refuses whoever uses another word.
 * The condition of the assert, the code of the fault and every function in a table stay mutated.
 */

/** As much of Babel's nodes and paths as is looked at. */
type Node = {
  readonly type: string
  readonly name?: string
  readonly callee?: Node
  readonly arguments?: readonly unknown[]
  readonly elements?: readonly (Node | null)[]
  readonly properties?: readonly Node[]
  readonly value?: unknown
  readonly typeAnnotation?: { readonly typeName?: Node }
}
type Path = { readonly node: Node; readonly parentPath: Path | null }

/** Who takes a text for people, always as the second argument. */
const SPEAKERS: ReadonlySet<string> = new Set(['assert', 'Fault'])

const isText = ({ node, parentPath }: Path): boolean =>
  SPEAKERS.has(parentPath?.node.callee?.name ?? '') && parentPath?.node.arguments?.[1] === node

const LITERALS: ReadonlySet<string> = new Set(['StringLiteral', 'NumericLiteral', 'BooleanLiteral'])
/** What stands between a word and its file where the word is in a table of the file: no function, no call. */
const TABLE: ReadonlySet<string> = new Set([
  ...LITERALS,
  'ArrayExpression',
  'ObjectExpression',
  'ObjectProperty',
  'TSAsExpression',
  'TSSatisfiesExpression',
  'VariableDeclarator',
  'VariableDeclaration',
  'ExportNamedDeclaration',
])

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** A word, or a row of nothing but words. */
const isWords = (node: Node): boolean =>
  LITERALS.has(node.type) ||
  (node.elements?.every((one) => one !== null && isWords(one)) ?? false) ||
  (node.properties?.every(({ value }) => isNode(value) && isWords(value)) ?? false)

function inConstTable(path: Path): boolean {
  let isConst = false
  for (let at: Path | null = path; at !== null; at = at.parentPath) {
    if (at.node.type === 'Program') return isConst
    if (!TABLE.has(at.node.type)) return false
    isConst ||= at.node.typeAnnotation?.typeName?.name === 'const'
  }
  return false
}

/** Found by Stryker under this name. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'texts',
    value: {
      shouldIgnore: (path: Path) =>
        isText(path)
          ? 'a text for people'
          : isWords(path.node) && inConstTable(path)
            ? 'a word that the compiler knows'
            : undefined,
    },
  },
] as const
