import { basename } from 'node:path';
import type { Digest } from '../../base/brands.js';
import type { DirectUrl } from '../../manifest/types.js';
import { listHomes } from '../../store/homes.js';
import { baseNameOf, type ImageName, imageNameOf, type StoreLayout } from '../../store/layout.js';
import { readRoots } from '../../store/roots.js';
import type { ImageVerdict } from '../../store/verify/verify.js';
import { expandTags, parseWheelFilename } from '../../wheel/filename.js';

/** A wheel whose image is lost, as far as it is known. */
export interface LostWheel {
  verdict: ImageVerdict;
  name: string;
  version: string;
  /** Undefined where neither the image's header nor a manifest tells it: then its first 16 digits are known. */
  digest: Digest | undefined;
  prefix: string;
  /** What pip calls the interpreters that it is for. */
  tags: string[];
  /** Where it came from. */
  urls: string[];
  /** Set where it was built here, so that no index has it. */
  isBuilt: boolean;
}

interface KnownWheel {
  name: string;
  version: string;
  digest: Digest;
  urls: Set<string>;
}

/** What manifests know of wheels whose images are damaged. */
export async function describeLosses(
  layout: StoreLayout,
  verdicts: readonly ImageVerdict[],
): Promise<LostWheel[]> {
  const known = await knownWheels(layout, new Set(verdicts.map(({ image }) => image)));
  return verdicts.map((verdict) => {
    const wheel = known.get(verdict.image);
    return {
      verdict,
      name: wheel?.name ?? verdict.distribution,
      version: wheel?.version ?? verdict.version,
      digest: verdict.wheelDigest ?? wheel?.digest,
      prefix: verdict.image,
      tags: tagsOf(verdict),
      urls: [...(wheel?.urls ?? [])],
      isBuilt: verdict.builtFrom !== undefined,
    };
  });
}

async function knownWheels(
  layout: StoreLayout,
  wanted: ReadonlySet<ImageName>,
): Promise<Map<ImageName, KnownWheel>> {
  const known = new Map<ImageName, KnownWheel>();
  if (wanted.size === 0) return known;
  for (const { id } of await listHomes(layout)) {
    const roots = await readRoots(layout, id);
    for (const { manifest } of [...(roots?.live ?? []), ...(roots?.gone ?? [])]) {
      for (const { image, url, directUrl } of manifest?.layers ?? []) {
        const name = baseNameOf(imageNameOf(image.wheelDigest));
        if (!wanted.has(name)) continue;
        const wheel = known.get(name) ?? { ...image, digest: image.wheelDigest, urls: new Set<string>() };
        for (const place of [url, wheelUrl(directUrl)]) if (place !== undefined) wheel.urls.add(place);
        known.set(name, wheel);
      }
    }
  }
  return known;
}

/** A folder or a repository gives other bytes each time. */
function wheelUrl(directUrl: DirectUrl | undefined): string | undefined {
  const url = directUrl?.url;
  return typeof url === 'string' && /\.whl$/.test(url.replace(/[?#].*$/s, '')) ? url : undefined;
}

/** From the wheel's name, or what the image's file name has of it: `<build>-<python>-<abi>-<platform>-<digest>.img`. */
function tagsOf({ path, wheelFilename }: ImageVerdict): string[] {
  if (wheelFilename !== undefined) return expandTags(parseWheelFilename(wheelFilename));
  const parts = basename(path).split('-').slice(0, -1).slice(-3);
  if (parts.length < 3) return [];
  return expandTags(parseWheelFilename(`x-1-${parts.join('-')}.whl`));
}
