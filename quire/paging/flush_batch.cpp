#include "quire/paging/flush_batch.hpp"

#include "quire/base/defect.hpp"

namespace quire {

FlushBatch::~FlushBatch() {
    require(page_count_ == 0 && frame_count_ == 0, "I6: a flush batch was dropped unfinished");
}

void FlushBatch::weakened(Page page, Machine::Entry old) {
    // A translation enters the cache only together with the accessed bit (Intel SDM vol. 3A, 4.10.2.3): an entry that
    // was never used has nothing to flush.
    if (!old.present() || !old.accessed()) return;
    if (!Machine::kUserPages.contains(page)) {
        Machine::flush(page);  // flush_user() would not cover it
        return;
    }
    if (page_count_ < kPages) pages_[page_count_] = page.number;
    if (page_count_ <= kPages) ++page_count_;  // kPages + 1 means: everything
}

void FlushBatch::removed(Page page, Machine::Entry old) {
    weakened(page, old);
    hold(old.frame());
}

void FlushBatch::removed_table(Frame table) {
    hold(table);
}

void FlushBatch::hold(Frame frame) {
    if (frame_count_ == kFrames) finish();
    held_[frame_count_++] = frame.number;
}

void FlushBatch::finish() {
    if (page_count_ > kPages) {
        Machine::flush_user();
    } else {
        for (std::size_t i = 0; i < page_count_; ++i) Machine::flush(Page{pages_[i]});
    }
    page_count_ = 0;
    frames_.drop_all({held_.data(), frame_count_});
    frame_count_ = 0;
}

}  // namespace quire
