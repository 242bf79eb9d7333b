import { randomBytes } from 'node:crypto'
import type { Operation } from './operation.ts'
import { TEST_CARDS } from './test-cards.ts'
import type { Answer } from './web.ts'

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}' +
  'button{font:inherit;padding:.6rem 1.2rem;margin-right:.6rem;border-radius:.4rem;border:1px solid #57606a;cursor:pointer}' +
  'label{display:block;padding:.3rem 0}small{color:#57606a}'

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

type Page = { readonly title: string; readonly body: string; readonly script?: string; readonly framedBy?: string }

/** A page that may run its own style and script only, in a frame of nobody unless one is named. */
function page({ title, body, script, framedBy }: Page): Answer {
  const nonce = randomBytes(16).toString('base64')
  // No `form-action`: browsers apply it to the redirect after a form too, and the way back goes to the gateway.
  const csp = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    `frame-ancestors ${framedBy ?? "'none'"}`,
  ].join('; ')
  const html =
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>` +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    `<style nonce="${nonce}">${STYLE}</style></head><body><main><h1>${escapeHtml(title)}</h1>${body}</main>` +
    `${script ? `<script nonce="${nonce}">${script}</script>` : ''}</body></html>`
  return { status: 200, html, headers: { 'content-security-policy': csp } }
}

/** The page where a player approves or declines: 3-D Secure, a wallet's login, a bank's consent. */
export function decisionPage(operation: Operation): Answer {
  const what = operation.method === 'card' ? '3-D Secure' : operation.method === 'bank' ? 'Your bank' : 'Your wallet'
  const sum = `${escapeHtml(operation.amount)} ${escapeHtml(operation.currency)}`
  if (operation.status !== 'requires_action')
    return page({ title: what, body: '<p>This payment was already decided. You may close the page.</p>' })
  const action = `/pages/${operation.id}?key=${operation.page_key ?? ''}`
  return page({
    title: `${what} (sandbox)`,
    body:
      `<p>Pay <strong>${sum}</strong>? No real money moves.</p><form method="post" action="${action}">` +
      '<button name="result" value="approve">Approve</button><button name="result" value="decline">Decline</button></form>',
  })
}

const FIELDS_SCRIPT = `
const form = document.querySelector('form'), parentOrigin = document.body.querySelector('main form').dataset.parent
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const selection = new FormData(form).get('selection')
  const answer = await fetch('/v1/tokens', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ selection }) })
  const body = await answer.json()
  document.querySelector('output').textContent = body.token ?? body.error.detail
  if (parentOrigin && body.token) parent.postMessage({ type: 'paycage.token', token: body.token }, parentOrigin)
})`

/** The hosted fields: a choice of test cards, with no field that a number could be typed into. The token goes to `parent` only. */
export function hostedFieldsPage(parent: string | null): Answer {
  const url = parent === null ? null : URL.parse(parent)
  const origin = url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : undefined
  const choices = Object.values(TEST_CARDS).map(
    ({ selection, title }, index) =>
      `<label><input type="radio" name="selection" value="${selection}"${index === 0 ? ' checked' : ''}> ${title}</label>`,
  )
  return page({
    title: 'Test card (sandbox)',
    body:
      `<form data-parent="${escapeHtml(origin ?? '')}"><fieldset><legend>Which card?</legend>${choices.join('')}</fieldset>` +
      '<button>Use this card</button></form><p><output></output></p><p><small>Test cards only: there is no field for a number.</small></p>',
    script: FIELDS_SCRIPT,
    ...(origin !== undefined && { framedBy: origin }),
  })
}
