// What stat shows of an object.
#pragma once
#include "tree.hpp"
#include "wire.hpp"

struct AttributeSettings {
  uint32_t uid = 0, gid = 0;
  // Real block counts of shared files; else 1, so that `du` counts what an environment itself occupies.
  bool fullBlocks = false;
};

// Not for an unloaded view, nor for a generated file whose size is unknown.
wire::Attr attributesOf(const Object& object, const World& world, const AttributeSettings& settings);

// The type and permission bits alone; of every object.
uint32_t modeOf(const Object& object);

// The type bits alone, without a search.
uint32_t typeOf(const Object& object);

// Whether the attributes are known and may be kept by the kernel.
bool hasLastingAttributes(const Object& object);
