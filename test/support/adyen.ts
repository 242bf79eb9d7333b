/** A card as Adyen's hosted fields give it, opaque as theirs: `state.data.paymentMethod` in base64url JSON, the token of a charge. */
export function hostedFields(change: Readonly<Record<string, unknown>> = {}): string {
  const encrypted = (field: string) => `adyenjs_0_1_25$${Buffer.from(`opaque ${field} `.repeat(12)).toString('base64')}`
  const fields = {
    type: 'scheme',
    encryptedCardNumber: encrypted('number'),
    encryptedExpiryMonth: encrypted('month'),
    encryptedExpiryYear: encrypted('year'),
    encryptedSecurityCode: encrypted('code'),
    holderName: 'Aino Virtanen',
    ...change,
  }
  return Buffer.from(JSON.stringify(fields)).toString('base64url')
}
