import { parseArgs } from 'node:util'
import { startAdyen } from '../test/doubles/adyen.ts'
import { startBtcpay } from '../test/doubles/btcpay.ts'

/**
 * Runs a double of a real processor, so that a gateway can be tried against it: `npm run double -- adyen --port 9101`.
 * It prints the settings of a connection, and tells what it did when it ends. BTCPay's invoices are paid by themselves.
 */
const { values, positionals } = parseArgs({
  options: { port: { type: 'string', default: '0' }, webhooks: { type: 'string' } },
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
  console.error(`usage: npm run double -- ${Object.keys(STARTS).join('|')} [--port 9101] [--webhooks URL]`)
  process.exit(2)
}

const double = await start()
if (values.webhooks !== undefined) double.webhooksTo(values.webhooks)
const { api_key, webhook_secrets, ...config } = double.connectionConfig
console.log(`A double of ${name} listens on ${double.origin}`)
console.log(`The connection's config:  ${JSON.stringify(config)}`)
const variable = `PAYCAGE_SECRET_${name.toUpperCase()}_DOUBLE`
console.log(`Its secret_ref:           env:${variable}, with which the gateway is started as`)
console.log(`  ${variable}='${JSON.stringify({ api_key, webhook_secrets })}' npm start`)
console.log(`Send its webhooks on to the gateway, once the connection has an id:`)
console.log(`  curl -X PUT ${double.origin}/double/webhooks -d http://127.0.0.1:8787/webhooks/${name}/CONNECTION_ID`)

const stop = async () => {
  console.log(JSON.stringify({ truth: double.truth, problems: double.problems }))
  await double.close()
  process.exit(0)
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
