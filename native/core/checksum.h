// CRC-32 as zip files use it (polynomial 0xEDB88320, reflected).
#pragma once
#include <cstddef>
#include <cstdint>

namespace cg {

// Continues the checksum `crc` (0 to begin) over `bytes` bytes.
uint32_t crc32(uint32_t crc, const void* data, size_t bytes);

} // namespace cg
