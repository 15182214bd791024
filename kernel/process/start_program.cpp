#include <utility>

#include "kernel/exec/load.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/process/fault.hpp"
#include "kernel/process/process_table.hpp"
#include "kernel/process/scheduler.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint8_t kNoMemory = 125;
constexpr std::uint8_t kNotExecutable = 126;
constexpr std::uint8_t kNotFound = 127;

std::unexpected<StartError> refuse(Errno number, std::uint8_t status, std::string_view text) {
    return std::unexpected(StartError{number, status, text});
}

/// The kernel half is the same in every directory, so the caller's stack and data stay where they are while another
/// space is active.
class Inside {
public:
    explicit Inside(const Space& space) : before_(Machine::active_directory()) { Machine::activate(space.directory()); }
    ~Inside() { Machine::activate(before_); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    Frame before_;
};

bool open_standard_files(Process& process, const ProgramRequest& request) {
    const bool streams = request.separate_error_stream;
    for (const Stream stream : {Stream::input, Stream::output, Stream::error}) {
        Ref<OpenFile> file = streams ? open_stream(stream) : open_terminal();
        if (!file || !process.files.add(std::move(file))) return false;
    }
    process.files.set_directory(files().root());
    return true;
}

/// In the process's own space: everything that the program will find.
SysResult<StartPoint> fill_space(Process& process, const ElfPlan& plan, Inode& inode, const ProgramStrings& strings) {
    const Inside inside(process.space);
    const LoadingProcess loading(process);  // the loader's own touches of the new space are resolved in it
    if (!process.space.open()) return fail(Errno::enomem);
    auto start = load_program(process.space, plan, inode, strings);
    if (!start) process.space.close();
    return start;
}

}  // namespace

std::expected<Process*, StartError> start_program(const ProgramRequest& request) {
    const auto inode = files().look_up(files().root(), request.path, FollowLast::yes);
    if (!inode) return refuse(inode.error(), kNotFound, "there is no such program");
    if ((*inode)->is_directory()) return refuse(Errno::eacces, kNotExecutable, "it is a directory");
    if ((*inode)->kind() != InodeKind::regular) return refuse(Errno::eacces, kNotExecutable, "not a regular file");
    InodeBytes bytes(**inode);
    const auto plan = plan_elf(bytes);
    if (!plan) return refuse(Errno::enoexec, kNotExecutable, plan.error());

    const std::string_view path = request.path;
    const auto process = create_process(path.substr(path.rfind('/') + 1));
    if (!process) return refuse(Errno::enomem, kNoMemory, "not enough memory to start it");
    Process& made = **process;
    made.own_error_stream = request.separate_error_stream;
    const ProgramStrings strings{.path = path, .arguments = request.arguments, .environment = request.environment};
    const auto start = open_standard_files(made, request) ? fill_space(made, *plan, **inode, strings)
                                                          : SysResult<StartPoint>(fail(Errno::enomem));
    if (!start) {
        delete_process(made);
        if (start.error() == Errno::e2big)
            return refuse(Errno::e2big, kNotExecutable, "its arguments and environment are too long");
        return refuse(Errno::enomem, kNoMemory, "not enough memory to load it");
    }
    TrapFrame& frame = prepare_user_context(made.context, made.stack_top());
    frame.eip = static_cast<std::uint32_t>(start->entry.value);
    frame.esp = static_cast<std::uint32_t>(start->stack_pointer.value);
    made.state = ProcessState::ready;
    return &made;
}

}  // namespace quire::kernel
