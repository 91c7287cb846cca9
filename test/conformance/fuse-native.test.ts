import { registerCases } from './register.js';

await registerCases('fuse-native');
