import { parseArgs } from 'node:util'
import { startAdyen } from '../test/doubles/adyen.ts'
import { startBtcpay } from '../test/doubles/btcpay.ts'

/**
 * Runs a double of a real processor, so that a gateway can be tried against it: `npm run double -- adyen --port 9101`.
 * It prints what docs/guides/connect.md asks for, and tells what it did when it ends. BTCPay's invoices are paid by themselves.
 */
const { values, positionals } = parseArgs({
  options: { port: { type: 'string', default: '0' }, gateway: { type: 'string', default: 'http://127.0.0.1:8787' } },
  allowPositionals: true,
})

const port = Number(values.port)
const STARTS = {
  adyen: () => startAdyen({ port, webhookAfterMs: 300 }),
  btcpay: () => startBtcpay({ port, stepMs: 500, autoPay: true }),
} as const

const [name = ''] = positionals
const start = name === 'adyen' || name === 'btcpay' ? STARTS[name] : undefined
if (start === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(
    `usage: npm run double -- ${Object.keys(STARTS).join('|')} [--port 9101] [--gateway http://127.0.0.1:8787]`,
  )
  process.exit(2)
}

const double = await start()
const { api_key, webhook_secrets, ...config } = double.connectionConfig
const variable = `PAYCAGE_SECRET_${name.toUpperCase()}_DOUBLE`
const connection = { processor: name, label: name, config, secret_ref: `env:${variable}` }
console.log(`A double of ${name} listens on ${double.origin}

1. Before the gateway is started, in its shell:
export ${variable}='${JSON.stringify({ api_key, webhook_secrets })}'

2. POST ${values.gateway}/v1/connections
${JSON.stringify(connection)}

3. With the id that it answers, its webhooks find the gateway:
curl -X PUT ${double.origin}/double/webhooks -d ${values.gateway}/webhooks/${name}/CONNECTION_ID
`)

const stop = async () => {
  console.log(JSON.stringify({ truth: double.truth, problems: double.problems }))
  await double.close()
  process.exit(0)
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
