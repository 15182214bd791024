/// The four functions that a compiler calls on its own (GCC manual, 2.1 "Standards": freestanding), and the two that
/// libc++'s string_view needs besides.

#include <cstddef>
#include <cstdint>

extern "C" {

void* memcpy(void* to, const void* from, std::size_t bytes);
void* memmove(void* to, const void* from, std::size_t bytes);
void* memset(void* to, int value, std::size_t bytes);
int memcmp(const void* a, const void* b, std::size_t bytes);
std::size_t strlen(const char* text);
void* memchr(const void* bytes, int value, std::size_t count);

void* memcpy(void* to, const void* from, std::size_t bytes) {
    void* target = to;
    std::size_t count = bytes / 4;
    asm volatile("rep movsl" : "+D"(target), "+S"(from), "+c"(count) : : "memory");
    count = bytes % 4;
    asm volatile("rep movsb" : "+D"(target), "+S"(from), "+c"(count) : : "memory");
    return to;
}

void* memmove(void* to, const void* from, std::size_t bytes) {
    const auto target = reinterpret_cast<std::uintptr_t>(to);
    const auto source = reinterpret_cast<std::uintptr_t>(from);
    if (target - source >= bytes) return memcpy(to, from, bytes);  // also when `to` lies below: wraps round
    auto* last_to = static_cast<std::byte*>(to) + bytes - 1;
    const auto* last_from = static_cast<const std::byte*>(from) + bytes - 1;
    // Backwards. Interrupt and fault entries clear the direction flag and IRET brings it back.
    asm volatile("std\n\trep movsb\n\tcld" : "+D"(last_to), "+S"(last_from), "+c"(bytes) : : "memory");
    return to;
}

void* memset(void* to, int value, std::size_t bytes) {
    void* target = to;
    const std::uint32_t word = static_cast<std::uint8_t>(value) * 0x0101'0101U;
    std::size_t count = bytes / 4;
    asm volatile("rep stosl" : "+D"(target), "+c"(count) : "a"(word) : "memory");
    count = bytes % 4;
    asm volatile("rep stosb" : "+D"(target), "+c"(count) : "a"(word) : "memory");
    return to;
}

int memcmp(const void* a, const void* b, std::size_t bytes) {
    const auto* left = static_cast<const unsigned char*>(a);
    const auto* right = static_cast<const unsigned char*>(b);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (left[i] != right[i]) return left[i] - right[i];
    }
    return 0;
}

std::size_t strlen(const char* text) {
    std::size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}

void* memchr(const void* bytes, int value, std::size_t count) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (; count != 0; --count, ++at) {
        if (*at == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(at);
    }
    return nullptr;
}

}  // extern "C"
