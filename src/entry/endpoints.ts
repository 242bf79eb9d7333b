import type { Endpoint } from '../api/endpoint.ts'
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
import { getEvents } from '../api/routes/events.ts'
import {
  getJournal,
  getLedgerAccount,
  listLedgerAccounts,
  listLedgerEntries,
  verifyLedger,
} from '../api/routes/ledger.ts'
import { createLimit, getLimits } from '../api/routes/limits.ts'
import { deleteExclusion, getPlayer, putExclusion, putPlayer } from '../api/routes/players.ts'
import { returnFromProcessor } from '../api/routes/return.ts'
import { approveReview, escalateReview, getReview, getReviews, rejectReview } from '../api/routes/reviews.ts'
import { createWalletTransaction, getWallet } from '../api/routes/wallets.ts'
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
  listLedgerAccounts,
  getLedgerAccount,
  listLedgerEntries,
  getJournal,
  verifyLedger,
  returnFromProcessor,
]
