// What each event type says, in one line. Types that are not here are left alone: a topic may gain new ones.

const ORDER = {
  'davtari.OrderChanged.v1': ({ number, status, total, currency, lines }) =>
    `order ${number} is ${status}: ${total} ${currency}, ${lines.length} lines`,
  'davtari.OrderRemoved.v1': () => 'the order is gone from the shop',
  'davtari.OrderUnreadable.v1': ({ reason, detail }) => `the order cannot be read now (${reason}): ${detail}`,
}

const DOCUMENT = {
  'davtari.ClientRecorded.v1': ({ how }) => `client ${how} in Balance`,
  'davtari.SaleRecorded.v1': ({ number, total, currency }) => `Sale ${number ?? ''} over ${total} ${currency}`,
  'davtari.CreditNoteRecorded.v1': ({ number, total, currency }) => `credit note ${number ?? ''} over ${total} ${currency}`,
  'davtari.SaleDiverged.v1': ({ order_total, recorded_total }) =>
    `the order is ${order_total} now, its Sale was recorded over ${recorded_total}`,
}

const TOLD = { ...ORDER, ...DOCUMENT }

/** The event in one line, or null for a type that is of no interest here. */
export function told({ type, subject, sequence, data }) {
  return TOLD[type] ? `${subject} v${sequence}: ${TOLD[type](data)}` : null
}
