#include "quire/audit/audit.hpp"

#include "ports/c/api/instance.hpp"

using namespace quire;
using c::inside;
using c::instance;

namespace {
alignas(Audit) std::byte room[sizeof(Audit)];
constinit Audit* audit = nullptr;

Audit& begun() {
    require(audit != nullptr, "quire_audit_begin() was not called");
    return *audit;
}
}  // namespace

void quire_audit_begin(std::uint32_t* tally, std::size_t count) {
    audit = new (room) Audit(instance().frames, {tally, count});
    audit->add(instance().kernel);
    instance().heap.check_invariants();
}

void quire_audit_own(quire_frame frame) {
    begun().own(Frame{frame});
}

void quire_audit_space(const quire_space* space) {
    begun().add(inside<Space>(space));
}

void quire_audit_end() {
    begun().finish();
    audit = nullptr;
}
