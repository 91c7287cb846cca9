import { reportRounds } from './report-rounds.js';

/** The whole form is `npm run faults`. */
reportRounds(
  'kill -9 at any moment leaves every environment in its old or its new state, and its images where they are',
  { kind: 'kill', rounds: 200, seconds: 50 },
);
