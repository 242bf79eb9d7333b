declare module 'json-logic-js' {
  const logic: { apply(rules: unknown, data: unknown): unknown }
  export default logic
}
