#include "quire/audit/audit.hpp"

#include <gtest/gtest.h>

#include "tests/unit/support/world.hpp"

namespace quire::test {
namespace {

/// A world with one touched page in one space. Its RAM is shared memory, so each corruption gets a world of its own.
struct Victim {
    Victim() : s(world) {
        s.enter();
        page = s.map(2).value();
        EXPECT_TRUE(s.store(page, 1));
        frame = Machine::slot(page).load().frame();
    }
    World world;
    TestSpace s;
    Page page;
    Frame frame;
};

/// Corrupts a victim and runs the audit, which must not come back.
template <typename Corrupt>
void audit_after(Corrupt corrupt) {
    Victim v;
    corrupt(v);
    v.world.audit();
}

TEST(AuditDeath, FindsLostAndStolenFrames) {
    EXPECT_DEATH(audit_after([](Victim& v) { (void)v.world.frames.take(); }), "I5: a frame is leaked");
    EXPECT_DEATH(audit_after([](Victim& v) { v.world.taken.push_back(v.frame); }),
                 "I5: a frame is used without a share");
    EXPECT_DEATH(audit_after([](Victim& v) { v.world.spaces.clear(); }), "I5: a frame is leaked");
    EXPECT_DEATH(audit_after([](Victim& v) { v.world.records[5] = 1; }), "I3: bitmap and share count disagree");
}

TEST(AuditDeath, FindsEntriesThatNoRegionExplains) {
    const auto store = [](Victim& v, std::size_t index, Frame frame, Rights rights) {
        Machine::slot(v.page + PageCount{index}).store(Machine::Entry::make(frame, rights));
    };
    EXPECT_DEATH(audit_after([&](Victim& v) { store(v, 1, v.frame, Rights::read | Rights::user); }),
                 "I13: resident pages have drifted");
    EXPECT_DEATH(audit_after([&](Victim& v) { store(v, 2, v.frame, Rights::read | Rights::user); }),
                 "I13: a page-table entry outside all regions");
    EXPECT_DEATH(audit_after([&](Victim& v) { store(v, 0, v.frame, kReadWrite); }),
                 "I14: a user page that programs cannot use");
    EXPECT_DEATH(audit_after([&](Victim& v) { store(v, 0, World::kZeroFrame, kReadWrite | Rights::user); }),
                 "I15: the zero frame is writable");
    EXPECT_DEATH(audit_after([](Victim& v) { v.world.frames.share(v.frame); }),
                 "I16: a private page is writable while its frame is shared");
    EXPECT_DEATH(audit_after([](Victim& v) {
                     ASSERT_TRUE(v.s.space.protect(range_of(v.page, PageCount{1}), Rights::read));
                     Machine::slot(v.page).store(Machine::Entry::make(v.frame, kReadWrite | Rights::user));
                 }),
                 "I14: a page-table entry grants more than its region");
}

TEST(AuditDeath, FindsKernelPagesThatNoSpanExplains) {
    EXPECT_DEATH(audit_after([](Victim& v) { (void)Machine::slot(v.world.kernel.acquire({}).value()).exchange({}); }),
                 "I17: committed kernel pages have drifted");
    EXPECT_DEATH(audit_after([](Victim& v) {
                     const Page span = v.world.kernel.acquire({}).value();
                     Machine::slot(span + PageCount{9}).store(Machine::Entry::make(v.frame, kReadWrite));
                 }),
                 "I17: a kernel page is mapped outside all spans");
}

}  // namespace
}  // namespace quire::test
