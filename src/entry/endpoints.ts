import type { Endpoint } from '../api/endpoint.ts'
import { getAuditLog, verifyAuditLog } from '../api/routes/audit.ts'
import {
  cancelDepositById,
  createDeposit,
  createRefund,
  getDeposit,
  getDepositDecision,
  getDepositTimeline,
  getRefund,
  listDeposits,
  listRefunds,
} from '../api/routes/deposits.ts'
import { getEvent, getEvents, redeliverEvent } from '../api/routes/events.ts'
import {
  createLimit,
  createWalletTransaction,
  deleteExclusion,
  getLimits,
  getPlayer,
  getWallet,
  putExclusion,
  putPlayer,
} from '../api/routes/players.ts'
import { returnFromProcessor } from '../api/routes/return.ts'
import { approveReview, escalateReview, getReview, getReviews, rejectReview } from '../api/routes/reviews.ts'
import { getWebhookDeliveries } from '../api/routes/webhook-deliveries.ts'
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  getWebhookEndpoint,
  getWebhookEndpoints,
  patchWebhookEndpoint,
  recoverWebhookEndpoint,
  rotateWebhookSecret,
  testWebhookEndpoint,
} from '../api/routes/webhook-endpoints.ts'
import { getInboundWebhooks, reprocessInboundWebhook, webhookIn } from '../api/routes/webhooks.ts'
import {
  cancelWithdrawalById,
  createWithdrawal,
  getWithdrawal,
  getWithdrawalDecision,
  getWithdrawalTimeline,
  listWithdrawals,
} from '../api/routes/withdrawals.ts'

/** Every endpoint that needs nothing but `Deps`. A new one is one line here. */
export const ENDPOINTS: readonly Endpoint[] = [
  putPlayer,
  getPlayer,
  putExclusion,
  deleteExclusion,
  createLimit,
  getLimits,
  getWallet,
  createWalletTransaction,
  createDeposit,
  listDeposits,
  getDeposit,
  getDepositDecision,
  getDepositTimeline,
  cancelDepositById,
  createRefund,
  listRefunds,
  getRefund,
  createWithdrawal,
  listWithdrawals,
  getWithdrawal,
  getWithdrawalDecision,
  getWithdrawalTimeline,
  cancelWithdrawalById,
  getReviews,
  getReview,
  approveReview,
  rejectReview,
  escalateReview,
  webhookIn,
  getInboundWebhooks,
  reprocessInboundWebhook,
  getEvents,
  getEvent,
  redeliverEvent,
  createWebhookEndpoint,
  getWebhookEndpoints,
  getWebhookEndpoint,
  patchWebhookEndpoint,
  deleteWebhookEndpoint,
  testWebhookEndpoint,
  rotateWebhookSecret,
  recoverWebhookEndpoint,
  getWebhookDeliveries,
  getAuditLog,
  verifyAuditLog,
  returnFromProcessor,
]
