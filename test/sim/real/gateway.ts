import { openDb } from '../../../src/db/client.ts'
import { combinedInbox } from '../../../src/db/inbox.ts'
import { buildGateway } from '../../../src/entry/build.ts'
import { listen } from '../../../src/entry/server.ts'
import { runJobs } from '../../../src/jobs/run.ts'
import { openCipher } from '../../../src/platform/cipher.ts'
import { nodeHttp } from '../../../src/platform/http-node.ts'
import { openLog } from '../../../src/platform/log.ts'
import { pinoWriter } from '../../../src/platform/log-pino.ts'
import { metricsRegistry } from '../../../src/platform/metrics.ts'
import { nodeNotices } from '../../../src/platform/notices-node.ts'
import { envSecrets } from '../../../src/platform/secrets/env.ts'
import { openSecrets } from '../../../src/platform/secrets.ts'

/**
 * A gateway process of the harness: the composition of `src/entry/start.ts` without the sandbox world around it, so that
 * two of them serve one operator on one database. It is loaded ahead of its turn and begins when it is told to, so that
 * the place of one that was killed is taken at once.
 */
const { SIM_DATABASE_URL = '', SIM_PORT = '0', SIM_PUBLIC_URL = '' } = process.env
process.on('disconnect', () => process.exit(0))
await new Promise((told) => process.once('message', told))

const clock = { nowMs: () => Date.now() }
const key = new Uint8Array(32).fill(7)
const db = openDb({ url: SIM_DATABASE_URL, role: 'paycage_app', max: 8 })
const gateway = await buildGateway({
  db,
  inbox: combinedInbox(db, clock),
  clock,
  log: openLog(pinoWriter('info')),
  metrics: metricsRegistry(),
  cipher: await openCipher({ masters: [key], index: key }),
  secrets: openSecrets({ env: envSecrets(process.env) }, clock.nowMs),
  mayUseSecret: () => true,
  notices: nodeNotices({ allowLoopback: true }),
  httpFor: () => nodeHttp(),
  publicUrl: SIM_PUBLIC_URL,
  ipOf: () => '127.0.0.1',
  assets: async () => undefined,
  health: { state: () => 'running', checks: {} },
})
runJobs(gateway.deps, gateway.jobs, { concurrency: 4, giveWay: gateway.deps.inbox.slow })
await listen((request, ...rest) => gateway.app.fetch(request, ...rest), {
  host: '127.0.0.1',
  port: Number(SIM_PORT),
  tls: undefined,
})
process.send?.('ready')
