/**
 * Whose secret a reference may name. References are the operators' to set, secrets are not: one operator's reference to
 * another's secret would act with the other's account. So a reference carries its operator's id, as the first part of
 * a path (`file:opr_…/adyen.json`, `sandbox:opr_…/sandbox_a`) or within a variable's name (`env:PAYCAGE_SECRET_OPR_…_ADYEN`).
 */
export function isOwnSecret(ref: string, operatorId: string): boolean {
  const [scheme = '', ...rest] = ref.split(':')
  const path = rest.join(':')
  if (scheme === 'env') return path.startsWith(`PAYCAGE_SECRET_${operatorId.toUpperCase()}_`)
  return path.startsWith(`${operatorId}/`) && !path.includes('..')
}

/** The rule of a sandbox: the processors' credentials that it made are each operator's own, everything else is the developer's. */
export const isOwnSandboxSecret = (ref: string, operatorId: string): boolean =>
  !ref.startsWith('sandbox:') || isOwnSecret(ref, operatorId)
