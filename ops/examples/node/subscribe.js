// A subscriber that prints orders and documents as they come.
//
//   npm ci
//   KAFKA=127.0.0.1:9092 GROUP=my-printer npm start
//
// It reads in a consumer group of its own: a new group begins at the start of the topics, a known one goes on where it
// was. An offset is committed after its record has been printed, so that nothing is skipped when this is killed; what
// is repeated after that is known by its version.

import { Consumer } from '@platformatic/kafka'
import { cloudEvent, Versions } from './cloudevent.js'
import { told } from './told.js'

const { KAFKA = '127.0.0.1:9092', PREFIX = 'davtari.', GROUP = 'davtari-node-example' } = process.env

const consumer = new Consumer({
  groupId: GROUP,
  clientId: 'davtari-node-example',
  bootstrapBrokers: KAFKA.split(','),
  autocommit: false
})
const versions = new Versions()
const stream = await consumer.consume({
  topics: [`${PREFIX}shop.orders`, `${PREFIX}ledger.documents`],
  mode: 'committed',
  fallbackMode: 'earliest',
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stream.close())

for await (const record of stream) {
  const event = cloudEvent(record)
  if (event && versions.newer(record.topic, event)) {
    const line = told(event)
    if (line) console.log(line)
  }
  await record.commit()
}
await consumer.close()
