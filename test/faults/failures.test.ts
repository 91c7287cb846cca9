import { reportRounds } from './report-rounds.js';

reportRounds('a call that the file system fails leaves every environment in its old or its new state', {
  kind: 'fail',
  rounds: 100,
  seconds: 35,
});

reportRounds(
  'Ctrl-C at any moment leaves nothing behind, and the environments as they were or as they were to be',
  {
    kind: 'interrupt',
    rounds: 20,
    seconds: 15,
  },
);
