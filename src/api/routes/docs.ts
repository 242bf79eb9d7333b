import { z } from 'zod'
import { CODES, type Code, Fault } from '../../core/errors.ts'
import { type Endpoint, endpoint } from '../endpoint.ts'
import { PROBLEMS } from '../problem.ts'

/** Reads a file of the API browser (swagger-ui-dist), or undefined when it isn't there: on Node from the package, on Workers from the static assets. */
export type Assets = (name: string) => Promise<Uint8Array | undefined>

/** What the pages show. `document` is the OpenAPI document as JSON. */
export type DocsOptions = { readonly document: () => string; readonly assets: Assets }

const PAGE = { method: 'get', tag: 'documentation', scope: 'public' } as const
const HTML = 'text/html; charset=utf-8'

/** Only our own files run and style; the API browser draws its icons from data URLs. Nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
const HEADERS = { 'content-security-policy': POLICY } as const

/** Files of the package that are served, with their media types. */
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Files of our own. */
const OWN: Readonly<Record<string, readonly [type: string, text: string]>> = {
  'start.js': [
    'text/javascript; charset=utf-8',
    `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null, persistAuthorization: false, tryItOutEnabled: true })\n`,
  ],
  'docs.css': [
    'text/css; charset=utf-8',
    `:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
code { font: 0.95em ui-monospace, monospace }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8884; vertical-align: top }
dt { font-weight: 600 } dd { margin: 0 0 0.8rem }
`,
  ],
  'api.css': ['text/css; charset=utf-8', 'body { margin: 0; background: #fafafa }\n'],
}

/** The document, the API browser and a page for every error code. */
export function docsEndpoints({ document, assets }: DocsOptions): readonly Endpoint[] {
  return [
    endpoint({
      ...PAGE,
      path: '/openapi.json',
      summary: 'This API as an OpenAPI 3.1 document',
      answers: { 200: 'application/json' },
      handle: async () => ({ status: 200, body: document() }),
    }),
    endpoint({
      ...PAGE,
      path: '/docs',
      summary: 'This API to read and try in a browser',
      answers: { 200: HTML },
      handle: async () => ({ status: 200, body: BROWSER, headers: HEADERS }),
    }),
    endpoint({
      ...PAGE,
      path: '/docs/assets/{file}',
      summary: 'Scripts and styles of these pages',
      params: z.strictObject({ file: z.string().max(64) }),
      answers: { 200: 'application/octet-stream' },
      handle: async (_deps, { params }) => assetAnswer(params.file, assets),
    }),
    endpoint({
      ...PAGE,
      path: '/docs/errors',
      summary: 'Every error code',
      answers: { 200: HTML },
      handle: async () => ({ status: 200, body: errorIndex(), headers: HEADERS }),
    }),
    endpoint({
      ...PAGE,
      path: '/docs/errors/{code}',
      summary: 'What an error code means and what to do',
      params: z.strictObject({ code: z.string().max(64) }),
      answers: { 200: HTML },
      handle: async (_deps, { params }) => {
        if (!isCode(params.code)) throw new Fault('not_found', 'There is no such error code.')
        return { status: 200, body: errorPage(params.code), headers: HEADERS }
      },
    }),
  ]
}

async function assetAnswer(file: string, assets: Assets) {
  const headers = { 'cache-control': 'public, max-age=3600' }
  const own = Object.hasOwn(OWN, file) ? OWN[file] : undefined
  if (own !== undefined) return { status: 200, body: own[1], headers: { ...headers, 'content-type': own[0] } } as const
  const type = Object.hasOwn(FILES, file) ? FILES[file] : undefined
  const bytes = type === undefined ? undefined : await assets(file)
  if (type === undefined || bytes === undefined) throw new Fault('not_found', 'There is no such file.')
  return { status: 200, body: bytes, headers: { ...headers, 'content-type': type } } as const
}

const isCode = (text: string): text is Code => CODES.some((code) => code === text)

const BROWSER = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Paycage API</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="stylesheet" href="/docs/assets/api.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
`

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)} · Paycage</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/docs.css">
</head>
<body>
${body}
</body>
</html>
`

/** The page of one code. */
export function errorPage(code: Code): string {
  const { status, title, help, retryable, oauth } = PROBLEMS[code]
  return page(
    code,
    `<p><a href="/docs/errors">All error codes</a></p>
<h1><code>${html(code)}</code></h1>
<p>${html(title)}.</p>
<dl>
<dt>Status</dt><dd>${status}</dd>
<dt>What to do</dt><dd>${html(help)}</dd>
<dt>Does the same request help later?</dt><dd>${retryable ? 'Yes: repeat it, with the same Idempotency-Key.' : 'No: something has to change first.'}</dd>
${oauth === undefined ? '' : `<dt>OAuth error</dt><dd><code>${html(oauth)}</code></dd>\n`}</dl>`,
  )
}

function errorIndex(): string {
  const rows = CODES.map((code) => {
    const { status, title } = PROBLEMS[code]
    return `<tr><td><a href="/docs/errors/${code}"><code>${code}</code></a></td><td>${status}</td><td>${html(title)}</td></tr>`
  })
  return page(
    'Error codes',
    `<p><a href="/docs">API browser</a></p>
<h1>Error codes</h1>
<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>`,
  )
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const html = (text: string): string => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter)
