import { registerCases } from './register.js';

await registerCases('kernel-sole');
