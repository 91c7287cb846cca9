import { machine, release, version } from 'node:os';
import type { MarkerEnvironment } from '../wheel/marker.js';
import type { Probe } from './probe.js';

/**
 * What `default_environment()` of packaging gives when `interpreter`, a released CPython, runs on this
 * Linux machine. The probe does not tell a candidate release (3.13.0rc1) from the release.
 */
export function markerEnvironment(
  interpreter: Pick<Probe, 'implementation' | 'version' | 'minor'>,
): MarkerEnvironment {
  return {
    os_name: 'posix',
    sys_platform: 'linux',
    platform_machine: machine(),
    platform_python_implementation: 'CPython',
    platform_release: release(),
    platform_system: 'Linux',
    platform_version: version(),
    python_version: interpreter.minor,
    python_full_version: interpreter.version,
    implementation_name: interpreter.implementation,
    implementation_version: interpreter.version,
  };
}
