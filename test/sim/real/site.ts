import type { ChildProcess } from 'node:child_process'
import type { FaultProxy } from '../../support/fault-proxy.ts'
import type { Sandbox } from '../../support/sandbox.ts'
import type { Ground } from '../ground.ts'
import type { Field } from '../run.ts'

/** Everything that runs in a world of real processes. */
export type Site = {
  readonly field: Field
  readonly ground: Ground
  readonly sandboxes: readonly Sandbox[]
  readonly proxies: readonly FaultProxy[]
  readonly gateways: Gateway[]
  readonly operatorId: string
  readonly url: string
}
/** A gateway's place; empty while it is dead. */
export type Gateway = { readonly port: number; child: ChildProcess | undefined }
