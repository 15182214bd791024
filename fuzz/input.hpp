#pragma once
/// Numbers out of a fuzzer's bytes, and the end of the process when something is wrong: libFuzzer keeps the input then.

#include <gtest/gtest.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace quire::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    /// The next bytes as a number; zeroes behind the end.
    template <std::unsigned_integral T>
    [[nodiscard]] T take() {
        T value = 0;
        const std::size_t bytes = rest_.size() < sizeof value ? rest_.size() : sizeof value;
        if (bytes != 0) std::memcpy(&value, rest_.data(), bytes);
        rest_ = rest_.subspan(bytes);
        return value;
    }
    [[nodiscard]] std::uint8_t byte() { return take<std::uint8_t>(); }

private:
    std::span<const std::uint8_t> rest_;
};

/// Like a test's expectation, but a target has no test around it.
inline void check(bool holds) {
    if (!holds) __builtin_trap();
}

/// Expectations of the tests' helpers end the process too. Not by break_on_failure: libFuzzer does not catch its signal.
class EndsTheProcess final : public testing::EmptyTestEventListener {
    void OnTestPartResult(const testing::TestPartResult& result) override {
        if (result.failed()) std::abort();
    }
};

}  // namespace quire::fuzz

/// libFuzzer looks for it by name. Nothing else refers to it: without `used` it would not be there, and nobody would notice; so
/// fuzz/run.py asks for a failure first.
extern "C" [[gnu::used]] inline int LLVMFuzzerInitialize(int*, char***) {
    testing::UnitTest::GetInstance()->listeners().Append(new quire::fuzz::EndsTheProcess);
    if (std::getenv("QUIRE_FUZZ_FAIL") != nullptr) ADD_FAILURE() << "as QUIRE_FUZZ_FAIL asks for";
    return 0;
}
