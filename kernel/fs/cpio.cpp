#include "kernel/fs/cpio.hpp"

#include <array>
#include <optional>

namespace quire::kernel {

namespace {

constexpr std::size_t kFieldDigits = 8;
constexpr std::size_t kMagicBytes = 6;
constexpr std::size_t kHeaderBytes = kMagicBytes + 13 * kFieldDigits;
enum Field : std::size_t {
    kInode = 0,
    kMode = 1,
    kLinks = 4,
    kMtime = 5,
    kFileSize = 6,
    kDeviceMajor = 7,
    kDeviceMinor = 8,
    kNameSize = 11,
    kCheck = 12,
    kFields = 13
};

std::optional<std::uint32_t> hexadecimal(std::string_view digits) {
    std::uint32_t value = 0;
    for (const char digit : digits) {
        std::uint32_t nibble = 0;
        if (digit >= '0' && digit <= '9') {
            nibble = static_cast<std::uint32_t>(digit - '0');
        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            nibble = static_cast<std::uint32_t>((digit | 0x20) - 'a' + 10);
        } else {
            return std::nullopt;
        }
        value = value << 4U | nibble;
    }
    return value;
}

/// How many bytes of padding follow a position that is a multiple of 4 from the archive's beginning only after them.
constexpr std::size_t padding(std::size_t position) {
    return (4 - position % 4) % 4;
}

std::uint32_t sum_of(std::span<const std::byte> data) {
    std::uint32_t sum = 0;
    for (const std::byte byte : data) sum += std::to_integer<std::uint32_t>(byte);
    return sum;
}

}  // namespace

std::expected<CpioEntry, CpioError> CpioReader::next() {
    const std::string_view bytes(reinterpret_cast<const char*>(archive_.data()), archive_.size());
    const std::string_view rest = bytes.substr(offset_);
    if (rest.size() < kHeaderBytes) return wrong("the archive ends without a trailer");
    const bool summed = rest.starts_with("070702");
    if (!rest.starts_with("070701") && !summed) return wrong("not a newc cpio header");
    std::array<std::uint32_t, kFields> fields{};
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto value = hexadecimal(rest.substr(kMagicBytes + i * kFieldDigits, kFieldDigits));
        if (!value) return wrong("a cpio header field is not a number");
        fields[i] = *value;
    }

    const std::size_t name_bytes = fields[kNameSize];
    if (name_bytes == 0 || name_bytes > rest.size() - kHeaderBytes) return wrong("a name reaches beyond the archive");
    const std::string_view name = rest.substr(kHeaderBytes, name_bytes);
    if (name.find('\0') != name_bytes - 1) return wrong("a name is not terminated");

    std::size_t position = offset_ + kHeaderBytes + name_bytes;
    position += padding(position);
    const std::size_t data_bytes = fields[kFileSize];
    if (position > bytes.size() || data_bytes > bytes.size() - position)
        return wrong("a file reaches beyond the archive");

    CpioEntry entry{.name = name.substr(0, name_bytes - 1),
                    .mode = fields[kMode],
                    .mtime = fields[kMtime],
                    .links = fields[kLinks],
                    .identity = {fields[kInode], fields[kDeviceMajor], fields[kDeviceMinor]},
                    .data = archive_.subspan(position, data_bytes),
                    .offset = offset_};
    if (entry.name == "TRAILER!!!") return CpioEntry{};
    if (entry.name.empty()) return wrong("a file has no name");
    if (summed && sum_of(entry.data) != fields[kCheck]) return wrong("a file is damaged: its checksum differs");
    position += data_bytes;
    position += padding(position);
    offset_ = position < bytes.size() ? position : bytes.size();
    return entry;
}

}  // namespace quire::kernel
