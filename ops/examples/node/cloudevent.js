// CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_*` headers, the data as the value.

/**
 * The event of a record, as one object: its attributes, and `data`.
 *
 * Null for a record that holds no event (no `ce_type`, no value, no JSON): one bad record must not stop a subscriber.
 * Amounts and quantities in `data` are decimal texts ("53.69"): never make numbers of them before you calculate.
 *
 * @param {{headers: Map<Buffer, Buffer | null>, value: Buffer | null}} record
 */
export function cloudEvent({ headers, value }) {
  const attributes = {}
  for (const [name, content] of headers) {
    const attribute = attributeOf(name.toString())
    if (attribute && content) attributes[attribute] = content.toString()
  }
  if (!attributes.type || !value?.length) return null
  const data = json(value.toString())
  return data && { ...attributes, sequence: Number(attributes.sequence), data }
}

function json(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function attributeOf(header) {
  if (header.startsWith('ce_')) return header.slice('ce_'.length)
  return { traceparent: 'traceparent', 'content-type': 'datacontenttype' }[header]
}

/** Keeps the newest version of each subject, so that repetitions and replays change nothing. */
export class Versions {
  #held = new Map()

  /** Whether the event is newer than what was seen of its subject in this topic. */
  newer(topic, { subject, sequence }) {
    const slot = `${topic} ${subject}`
    if (sequence <= (this.#held.get(slot) ?? 0)) return false
    this.#held.set(slot, sequence)
    return true
  }
}
