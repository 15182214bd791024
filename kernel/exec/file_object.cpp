#include "kernel/exec/file_object.hpp"

#include <algorithm>
#include <new>

namespace quire::kernel {

FileObject* FileObject::create(Inode& inode, std::string_view name) {
    auto* const object = new (std::nothrow) FileObject(inode);
    if (object == nullptr) return nullptr;
    const std::size_t length = std::min(name.size(), object->name_.size() - 1);
    std::copy_n(name.begin(), length, object->name_.begin());
    return object;
}

}  // namespace quire::kernel
