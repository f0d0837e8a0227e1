// openapi_events.mjs: what a webhook was told (EVENTS: JSON, a list of lists of
// events) is what the document says; prints the types that were seen.
// Environment besides: as openapi.mjs has it.
import { document, misfit } from './openapi.mjs';

const { schema } = document.webhooks.events.post.requestBody
  .content['application/json'];
const seen = new Set();
let failed = false;
for (const events of JSON.parse(process.env.EVENTS)) {
  const wrong = misfit(schema, { events });
  if (wrong !== '') {
    failed = true;
    console.error(wrong, JSON.stringify(events));
  }
  for (const event of events) seen.add(event.type);
}
console.log([...seen].join('\n'));
process.exit(failed ? 1 : 0);
