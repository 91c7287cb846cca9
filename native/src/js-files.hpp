// System calls on files that node does not have. None follows a symbolic link at the end of its path; each throws an
// error whose code is the errno's name.
#pragma once
#include "napi-values.hpp"

// (from, to, flags): renameat2(2).
napi_value renameAt(napi_env env, napi_callback_info info);
// (path, atime, mtime): utimensat(2); nanoseconds since 1970 as bigint, 'now' or 'omit'.
napi_value setTimes(napi_env env, napi_callback_info info);
// (path, name) => Buffer
napi_value getXattr(napi_env env, napi_callback_info info);
// (path, name, value: Buffer, flags)
napi_value setXattr(napi_env env, napi_callback_info info);
// (path) => string[]
napi_value listXattr(napi_env env, napi_callback_info info);
// (path, name)
napi_value removeXattr(napi_env env, napi_callback_info info);
// (path, mode, device): mknod(2).
napi_value makeNode(napi_env env, napi_callback_info info);
// (fd) => boolean: flock(2), exclusive, without waiting; false if another open file has it.
napi_value lockFile(napi_env env, napi_callback_info info);
// (path) => { names: string[], numbers: BigUint64Array }: without . and ..; for each name its mode, inode number on
// disk, number of links, and for regular files and folders what user.shenv.inode says (0: nothing).
napi_value scanFolder(napi_env env, napi_callback_info info);
// (from, offset, length, to): copies to the start of `to`; EIO where `from` ends before.
napi_value copyRange(napi_env env, napi_callback_info info);
