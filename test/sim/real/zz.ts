import { startGround } from '../ground.ts'
import { playReal } from './play.ts'

const g = await startGround({})
const e = await playReal(g, Number(process.argv[2] ?? 900001), { kills: Number(process.argv[3] ?? 10), minutes: 4 })
console.log(JSON.stringify(e, null, 1))
await g.stop()
process.exit(0)
