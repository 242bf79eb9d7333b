import { join } from 'node:path'
import { VERSION } from './build.ts'
import { DEMO_PLAYER, type Kept } from './seed.ts'

/** What a person who just started a sandbox wants to know, and one command that works as it stands. */
export function welcome({
  baseUrl,
  dataDir,
  kept,
  note,
}: {
  baseUrl: string
  dataDir: string
  kept: Kept
  note?: string | undefined
}): string {
  const { demo } = kept.operators
  if (!demo) throw new Error('the demo operator was not seeded')
  return `
Paycage ${VERSION}, sandbox: no money moves.

  API         ${baseUrl}/v1
  Docs        ${baseUrl}/docs
  Health      ${baseUrl}/readyz
  Operator    demo (${demo.operatorId})
  Test key    ${demo.clientId}  ${demo.clientSecret}
  Data        ${dataDir} (all credentials: ${join(dataDir, 'sandbox.json')})
${note ? `  Note        ${note}\n` : ''}
Take a deposit:

curl -s ${baseUrl}/v1/deposits \\
  -H "authorization: Bearer $(curl -s -u ${demo.clientId}:${demo.clientSecret} -d grant_type=client_credentials ${baseUrl}/oauth/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')" \\
  -H "content-type: application/json" -H "idempotency-key: first-deposit-$(date +%s)" \\
  -d '{"player_id":"${DEMO_PLAYER}","amount":"25.00","currency":"EUR","reference":"'"first-$(date +%s)"'","method":{"type":"card","token":"tok_sandbox_ok"}}'
`
}
