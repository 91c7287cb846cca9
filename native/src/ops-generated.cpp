#include "ops.hpp"

namespace ops {

namespace {

Stop missingContent(Call& call, const Object& object) {
  call.viewIdentity = object.view->identity();
  return Missing::content(object.inode);
}

}  // namespace

std::optional<Stop> requireAttributes(Call& call, const Object& object, bool wantsFresh) {
  if (object.kind != Object::Kind::generated || call.resumedContent(object.inode)) return std::nullopt;
  const GeneratedFile& file = object.generated();
  const bool isKnown = file.sizeBytes.load(std::memory_order_acquire) >= 0;
  if (isKnown && !(file.isVolatile && wantsFresh)) return std::nullopt;
  return missingContent(call, object);
}

Result<GeneratedContents::Handle> requireContent(Call& call, const Object& object) {
  if (auto content = call.resumedContent(object.inode)) return content;
  if (auto content = call.service.contents.find(object.view->identity(), object.inode)) return content;
  return missingContent(call, object);
}

}  // namespace ops
