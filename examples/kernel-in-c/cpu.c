/* Serial port, exceptions, the end. */
#include <stdarg.h>

#include "kernel.h"

static void out(uint16_t port, uint8_t byte) {
    __asm__ volatile("outb %0, %1" : : "a"(byte), "d"(port));
}

static void print_number(unsigned value, unsigned base) {
    if (value >= base) print_number(value / base, base);
    out(0x3F8, "0123456789ABCDEF"[value % base]);
}

void print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    for (; *format != 0; format++) {
        if (*format != '%') {
            out(0x3F8, *format);
        } else if (*++format == 's') {
            for (const char *text = va_arg(arguments, const char *); *text != 0; text++) out(0x3F8, *text);
        } else {
            print_number(va_arg(arguments, unsigned), *format == 'x' ? 16 : 10);
        }
    }
    va_end(arguments);
}

void power_off(uint8_t status) {
    out(0xF4, status); /* QEMU's isa-debug-exit */
    for (;;) __asm__ volatile("cli; hlt");
}

extern const uintptr_t exception_entries[20];

struct gate {
    uint16_t low, selector, type, high;
};

void init_exceptions(void) {
    static struct gate gates[20];
    static const uint64_t segments[] = {0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF};
    for (int i = 0; i < 20; i++)
        gates[i] = (struct gate){exception_entries[i] & 0xFFFF, 8, 0x8E00, exception_entries[i] >> 16};
    struct __attribute__((packed)) {
        uint16_t limit;
        const void *base;
    } gdt = {sizeof segments - 1, segments}, idt = {sizeof gates - 1, gates};
    __asm__ volatile("lgdt %0; ljmp $8, $1f; 1: mov %1, %%ds; mov %1, %%es; mov %1, %%ss; lidt %2"
                     :
                     : "m"(gdt), "r"(16), "m"(idt)
                     : "memory");
}

void *memset(void *to, int byte, size_t count) {
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, size_t count) {
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t count) {
    const uint8_t *x = a, *y = b;
    for (; count > 0; count--, x++, y++) {
        if (*x != *y) return *x - *y;
    }
    return 0;
}

void *memmove(void *to, const void *from, size_t count) {
    if ((uintptr_t)to - (uintptr_t)from >= count) return memcpy(to, from, count);
    for (uint8_t *x = to; count-- > 0;) x[count] = ((const uint8_t *)from)[count];
    return to;
}
