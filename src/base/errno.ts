import { constants } from 'node:os';

/** Positive error numbers of the data plane (errno(3)); negated only where the wire is written. */
export const errno = {
  EPERM: constants.errno.EPERM,
  EIO: constants.errno.EIO,
  ENOENT: constants.errno.ENOENT,
  EBUSY: constants.errno.EBUSY,
  EEXIST: constants.errno.EEXIST,
  ENOTEMPTY: constants.errno.ENOTEMPTY,
  ENOTDIR: constants.errno.ENOTDIR,
  EISDIR: constants.errno.EISDIR,
  EINVAL: constants.errno.EINVAL,
  ENAMETOOLONG: constants.errno.ENAMETOOLONG,
  EROFS: constants.errno.EROFS,
  ENODATA: constants.errno.ENODATA,
  ESTALE: constants.errno.ESTALE,
} as const;
