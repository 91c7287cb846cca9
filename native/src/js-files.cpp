#include "js-files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "owned-fd.hpp"

namespace {

constexpr size_t numbersEach = 4;
constexpr const char* inodeAttribute = "user.shenv.inode";

void require(bool isDone, const char* call, const std::string& path) {
  if (!isDone) throw systemFailure(errno, std::string(call) + " '" + path + "'");
}

std::string textAt(napi_env env, const Arguments& given, size_t index) { return toString(env, given.values[index]); }

timespec toTime(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  if (type != napi_bigint) return {.tv_sec = 0, .tv_nsec = toString(env, value) == "now" ? UTIME_NOW : UTIME_OMIT};
  int64_t ns;
  bool isLossless;
  check(env, napi_get_value_bigint_int64(env, value, &ns, &isLossless));
  if (!isLossless) throw Failure("EINVAL", "a time is out of range");
  const int64_t second = 1'000'000'000;
  const int64_t seconds = ns / second - (ns % second < 0 ? 1 : 0);
  return {.tv_sec = seconds, .tv_nsec = ns - seconds * second};
}

uint64_t shownInode(const std::string& path) {
  char digits[17];
  const ssize_t length = ::lgetxattr(path.c_str(), inodeAttribute, digits, sizeof digits);
  uint64_t number = 0;
  if (length != 16) return 0;
  const auto [end, error] = std::from_chars(digits, digits + length, number, 16);
  return error == std::errc() && end == digits + length ? number : 0;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

struct Scan {
  std::vector<std::string> names;
  std::vector<uint64_t> numbers;
};

void scanEntry(Scan& scan, int fd, const std::string& prefix, const char* name) {
  struct stat found;
  if (::fstatat(fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    throw systemFailure(errno, "stat '" + std::string(name) + "'");
  }
  scan.names.emplace_back(name);
  const bool canCarry = S_ISREG(found.st_mode) || S_ISDIR(found.st_mode);
  const uint64_t inode = canCarry ? shownInode(prefix + name) : 0;
  scan.numbers.insert(scan.numbers.end(), {found.st_mode, found.st_ino, found.st_nlink, inode});
}

Scan scanOf(const std::string& path) {
  OwnedFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  require(static_cast<bool>(fd), "open", path);
  const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(fd.get()));
  require(folder != nullptr, "open", path);
  const int number = fd.release();
  const std::string prefix = "/proc/self/fd/" + std::to_string(number) + "/";
  Scan scan;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") scanEntry(scan, number, prefix, entry->d_name);
  }
  require(errno == 0, "read", path);
  return scan;
}

napi_value fromInodes(napi_env env, const std::vector<uint64_t>& numbers) {
  void* data;
  napi_value buffer, array;
  check(env, napi_create_arraybuffer(env, numbers.size() * sizeof(uint64_t), &data, &buffer));
  std::copy(numbers.begin(), numbers.end(), static_cast<uint64_t*>(data));
  check(env, napi_create_typedarray(env, napi_biguint64_array, numbers.size(), buffer, 0, &array));
  return array;
}

napi_value fromStrings(napi_env env, const std::vector<std::string>& strings) {
  napi_value list;
  check(env, napi_create_array_with_length(env, strings.size(), &list));
  for (size_t i = 0; i < strings.size(); ++i)
    check(env, napi_set_element(env, list, static_cast<uint32_t>(i), fromString(env, strings[i])));
  return list;
}

// What is between offset and offset + length of one file goes to the start of the other, through memory.
void copyThroughMemory(int from, int64_t offset, int64_t length, int to, int64_t done) {
  std::vector<char> space(256 * 1024);
  while (done < length) {
    const auto wanted = static_cast<size_t>(std::min<int64_t>(length - done, static_cast<int64_t>(space.size())));
    const ssize_t got = ::pread(from, space.data(), wanted, offset + done);
    if (got <= 0) throw systemFailure(got < 0 ? errno : EIO, "cannot read a content");
    for (ssize_t put = 0; put < got;) {
      const ssize_t count = ::pwrite(to, space.data() + put, static_cast<size_t>(got - put), done + put);
      if (count <= 0) throw systemFailure(count < 0 ? errno : EIO, "cannot write a copy");
      put += count;
    }
    done += got;
  }
}

}  // namespace

napi_value renameAt(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 3);
  const std::string from = textAt(env, given, 0), to = textAt(env, given, 1);
  const int done = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), toUint32(env, given.values[2]));
  require(done == 0, "rename", from);
  return undefined(env);
}

napi_value setTimes(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 3);
  const std::string path = textAt(env, given, 0);
  const timespec times[] = {toTime(env, given.values[1]), toTime(env, given.values[2])};
  require(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, "utimensat", path);
  return undefined(env);
}

napi_value getXattr(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 2);
  const std::string path = textAt(env, given, 0), name = textAt(env, given, 1);
  std::vector<char> value(XATTR_SIZE_MAX);
  const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
  require(length >= 0, "getxattr", path);
  napi_value buffer;
  check(env, napi_create_buffer_copy(env, static_cast<size_t>(length), value.data(), nullptr, &buffer));
  return buffer;
}

napi_value setXattr(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 4);
  const std::string path = textAt(env, given, 0), name = textAt(env, given, 1);
  const Bytes value = toBytes(env, given.values[2]);
  const auto flags = static_cast<int>(toUint32(env, given.values[3]));
  require(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), flags) == 0, "setxattr", path);
  return undefined(env);
}

napi_value listXattr(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 1);
  const std::string path = textAt(env, given, 0);
  std::vector<char> list(XATTR_LIST_MAX);
  const ssize_t length = ::llistxattr(path.c_str(), list.data(), list.size());
  require(length >= 0, "listxattr", path);
  std::vector<std::string> names;
  for (const char* at = list.data(); at < list.data() + length; at += names.back().size() + 1) names.emplace_back(at);
  return fromStrings(env, names);
}

napi_value removeXattr(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 2);
  const std::string path = textAt(env, given, 0), name = textAt(env, given, 1);
  require(::lremovexattr(path.c_str(), name.c_str()) == 0, "removexattr", path);
  return undefined(env);
}

napi_value makeNode(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 3);
  const std::string path = textAt(env, given, 0);
  const mode_t mode = toUint32(env, given.values[1]);
  require(::mknod(path.c_str(), mode, static_cast<dev_t>(toInt64(env, given.values[2]))) == 0, "mknod", path);
  return undefined(env);
}

napi_value lockFile(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 1);
  const bool isLocked = ::flock(static_cast<int>(toUint32(env, given.values[0])), LOCK_EX | LOCK_NB) == 0;
  if (!isLocked && errno != EWOULDBLOCK) throw systemFailure(errno, "cannot lock a file");
  return fromBool(env, isLocked);
}

napi_value scanFolder(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 1);
  const Scan scan = scanOf(textAt(env, given, 0));
  const napi_value result = newObject(env);
  set(env, result, "names", fromStrings(env, scan.names));
  set(env, result, "numbers", fromInodes(env, scan.numbers));
  return result;
}

napi_value copyRange(napi_env env, napi_callback_info info) {
  const Arguments given = arguments(env, info, 4);
  const auto from = static_cast<int>(toUint32(env, given.values[0]));
  const auto to = static_cast<int>(toUint32(env, given.values[3]));
  const int64_t offset = toInt64(env, given.values[1]), length = toInt64(env, given.values[2]);
  off64_t in = offset, out = 0;
  while (out < length) {
    // Also ends at 0: some file systems copy nothing and say nothing.
    if (::copy_file_range(from, &in, to, &out, static_cast<size_t>(length - out), 0) <= 0) break;
  }
  copyThroughMemory(from, offset, length, to, out);
  return undefined(env);
}
