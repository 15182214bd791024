#include "kernel/console/log.hpp"

#include "kernel/console/serial.hpp"

namespace quire::kernel {

namespace {
class LogSink final : public Sink {
public:
    void write(std::string_view text) override { log_port.write(text); }
};
constinit LogSink sink;
}  // namespace

Sink& log_sink() {
    return sink;
}

}  // namespace quire::kernel
