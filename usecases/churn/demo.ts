/** What `npm run demo` plays of churn: two weeks after all labels of the test instant have closed, so that the model is judged on days it can know. */
import type { DemoSpec } from 'tidemark';

export default {
  cut: '2017-12-01T00:00:00Z',
  days: 14,
  loader: 'load_events.py',
} satisfies DemoSpec;
