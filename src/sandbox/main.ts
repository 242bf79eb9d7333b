import { parseArgs } from 'node:util'
import { startProcessor } from './start.ts'

/**
 * A sandbox processor as a process of its own. Secrets come by environment (arguments are visible to every user of the
 * machine) or, for tests, by argument; it prints one JSON line when it is ready and ends on SIGTERM or SIGINT.
 */
const { values } = parseArgs({
  options: {
    id: { type: 'string' },
    data: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'control-port': { type: 'string', default: '0' },
    key: { type: 'string', multiple: true },
    'webhook-secret': { type: 'string', multiple: true },
    'admin-key': { type: 'string' },
  },
})

const listed = (text: string | undefined): string[] => (text ?? '').split(',').filter((part) => part !== '')
const { env } = process
const settings = {
  id: values.id ?? env.SANDBOX_ID ?? '',
  dataDir: values.data ?? env.SANDBOX_DATA ?? '',
  host: values.host,
  port: Number(values.port),
  controlPort: Number(values['control-port']),
  apiKeys: values.key ?? listed(env.SANDBOX_KEYS),
  webhookSecrets: values['webhook-secret'] ?? listed(env.SANDBOX_WEBHOOK_SECRETS),
  adminKey: values['admin-key'] ?? env.SANDBOX_ADMIN_KEY ?? '',
}

const missing = Object.entries({
  '--id or SANDBOX_ID (a-z, 0-9, _)': /^[a-z0-9_]{1,32}$/.test(settings.id),
  '--data or SANDBOX_DATA': settings.dataDir !== '',
  '--port and --control-port, 0 to 65535': [settings.port, settings.controlPort].every(
    (port) => Number.isInteger(port) && port >= 0 && port <= 65_535,
  ),
  '--key or SANDBOX_KEYS, 16 characters or more each':
    settings.apiKeys.length > 0 && settings.apiKeys.every((key) => key.length >= 16),
  '--webhook-secret or SANDBOX_WEBHOOK_SECRETS, 24 characters or more each':
    settings.webhookSecrets.length > 0 && settings.webhookSecrets.every((secret) => secret.length >= 24),
  '--admin-key or SANDBOX_ADMIN_KEY, 16 or more of A-Z, a-z, 0-9, - and _': /^[\w-]{16,}$/.test(settings.adminKey),
}).flatMap(([name, fine]) => (fine ? [] : [name]))

if (missing.length > 0) {
  process.stderr.write(`The sandbox can't start without: ${missing.join('; ')}\n`)
  process.exit(2)
}

const running = await startProcessor(settings)
let stopping = false
// A signal and a lost channel often come together; the books are closed once.
const stop = () => {
  if (stopping) return
  stopping = true
  running.close().then(() => process.exit(0))
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Started with a channel to a gateway, it goes when that is gone: nobody else would end it.
process.on('disconnect', stop)
process.stdout.write(
  `${JSON.stringify({
    id: running.id,
    pid: process.pid,
    api_url: running.apiUrl,
    control_url: running.controlUrl,
    hosted_fields_url: `${running.apiUrl}/hosted-fields`,
    truth_file: running.truthFile,
  })}\n`,
)
