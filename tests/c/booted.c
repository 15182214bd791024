/* The test on the example's port and kernel, with another main(). Prints "all ok", or the first mistake. */
#include "every_function.h"
#include "kernel.h"

extern uint8_t boot_directory[], boot_list_table[], zero_page[], image_end[];

void check(int holds, const char *what, int line) {
    if (holds) return;
    print("line %u: %s\n", (unsigned)line, what);
    power_off(1);
}

void handle_exception(unsigned number, unsigned error, uintptr_t address, uintptr_t instruction) {
    enum quire_error refused = number == 14 ? resolve(address, error & 2) : QUIRE_BAD_ARGUMENT;
    if (refused == QUIRE_OK) return;
    print("exception %u at %x, instruction %x: %s\n", number, address, instruction, quire_error_name(refused));
    power_off(1);
}

void main(const uint32_t *multiboot) {
    init_exceptions();
    struct test_machine machine = {.bytes = multiboot[2] * 1024ull, /* memory above 1 MiB, in KiB */
                                   .boot = {.metadata = image_end,
                                            .directory = (uintptr_t)boot_directory >> 12,
                                            .list_table = (uintptr_t)boot_list_table >> 12,
                                            .zero_frame = (uintptr_t)zero_page >> 12}};
    machine.used = (uintptr_t)image_end + quire_metadata_bytes((machine.bytes + (1 << 20)) >> 12) - (1 << 20);
    test_every_function(machine);
    print("all ok\n");
    power_off(0);
}
