// Every rule of docs/image-format.md that src/image/check.ts enforces for what this reader loads. Each function
// throws Failure: IMAGE_VERSION for a version or feature that it does not know, IMAGE_DAMAGED otherwise.
#pragma once
#include <string>
#include <vector>

#include "bytes.hpp"
#include "failure.hpp"
#include "image-format.hpp"

Failure imageDamaged(const std::string& path, const std::string& rule);

// `data` holds the first bytes of the file, fewer than `headerBytes` only if the file is shorter.
imageFormat::Header checkHeader(Bytes data, uint64_t actualBytes, const std::string& path);

void checkSectionDigest(Bytes data, const imageFormat::Header& header, imageFormat::Section section,
                        const std::string& path);

void checkNodes(const std::vector<imageFormat::Node>& nodes, std::string_view names,
                const imageFormat::Header& header, const std::string& path);
