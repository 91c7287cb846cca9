#include "checked-bytecode.hpp"

namespace {

using namespace std::string_view_literals;
constexpr int64_t nsPerSecond = 1'000'000'000;

// NAME of NAME.TAG.pyc and NAME.TAG.opt-LEVEL.pyc; empty for any other name.
std::string_view moduleOf(std::string_view file) {
  if (!file.ends_with(".pyc"sv)) return {};
  file.remove_suffix(4);
  auto dot = file.rfind('.');
  if (dot == file.npos) return {};
  const auto before = file.rfind('.', dot - (dot > 0));
  if (file.substr(dot + 1).starts_with("opt-"sv) && before != file.npos && before > 0 && before < dot) dot = before;
  return file.substr(0, dot);
}

std::optional<uint32_t> sourceOf(const Image& image, uint32_t node) {
  const bool isBytecode = image.source().baseSerial != 0 && !image.isInBase(node);
  if (!isBytecode || image.node(node).sizeBytes < checkedBytecode::end) return std::nullopt;
  const uint32_t folder = image.node(node).parent;
  const auto module = moduleOf(image.nameOf(node));
  if (module.empty() || image.nameOf(folder) != "__pycache__"sv) return std::nullopt;
  const auto source = image.lookup(image.node(folder).parent, std::string(module) + ".py");
  return source && !image.isDirectory(*source) ? source : std::nullopt;
}

}  // namespace

std::optional<checkedBytecode::Header> checkedBytecode::headerOf(const View& view, uint32_t layer, uint32_t node) {
  const Image& image = *view.layer(layer).image;
  const auto source = sourceOf(image, node);
  if (!source) return std::nullopt;
  const int64_t mtimeNs = view.mtimeNsOf(layer, *source);
  const int64_t seconds = mtimeNs / nsPerSecond - (mtimeNs % nsPerSecond < 0);
  Header header{};
  store(std::span(header), 4, static_cast<uint32_t>(seconds));
  store(std::span(header), 8, static_cast<uint32_t>(image.node(*source).sizeBytes));
  return header;
}
