import { registerCases } from './register.js';

await registerCases('plain');
