/* The little that this kernel has besides memory. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Like printf, to the first serial port; knows %s, %u and %x. */
void print(const char *format, ...);
/* Ends the machine: QEMU's exit status is 2 * status + 1. */
_Noreturn void power_off(uint8_t status);

/* An exception's number, error code and address; returning goes back to what faulted. */
void handle_exception(unsigned number, unsigned error, uintptr_t address, uintptr_t instruction);
void init_exceptions(void);

void *memset(void *to, int byte, size_t count);
void *memcpy(void *to, const void *from, size_t count);
