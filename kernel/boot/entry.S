# From the boot loader to C++. Multiboot 1 (https://www.gnu.org/software/grub/manual/multiboot/multiboot.html, 3.2):
# 32-bit protected mode, flat segments, paging and interrupts off, eax = magic, ebx = physical address of the
# information.
#
# The code is linked at 0xC010'0000 and runs at 1 MiB until paging is on, so symbols are used minus KERNEL_BASE. The
# page directory is first filled with 4 MiB pages: all of memory where it is, and the first 4 MiB once more at
# KERNEL_BASE. kernel/boot/tables.cpp replaces both by 4 KiB pages as soon as the boot loader's data is copied.

.set KERNEL_BASE, 0xC0000000
.set MULTIBOOT_MAGIC, 0x1BADB002
.set MULTIBOOT_FLAGS, 0x3               # modules on page boundaries; a memory map, please

.section .multiboot, "a"
.balign 4
    .long MULTIBOOT_MAGIC
    .long MULTIBOOT_FLAGS
    .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

.section .text.entry, "ax"
.global quire_start
quire_start:
    cli
    cld
    movl $(quire_boot_stack_top - KERNEL_BASE), %esp
    movl %eax, %ebp                     # magic
    movl %ebx, %edi                     # information

    # CPUID exists if bit 21 of eflags can be changed (SDM volume 1, 20.1).
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $(1 << 21), %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    xorl %ecx, %eax
    testl $(1 << 21), %eax
    movl $(no_cpuid - KERNEL_BASE), %esi
    jz boot_fatal

    # What the kernel cannot do without (SDM volume 2, CPUID, leaf 1, edx).
    movl $1, %eax
    cpuid
    movl $(no_pse - KERNEL_BASE), %esi
    testl $(1 << 3), %edx
    jz boot_fatal
    movl $(no_cmov - KERNEL_BASE), %esi
    testl $(1 << 15), %edx
    jz boot_fatal
    movl $(no_fxsr - KERNEL_BASE), %esi
    testl $(1 << 24), %edx
    jz boot_fatal
    movl $(no_sse - KERNEL_BASE), %esi
    testl $(1 << 25), %edx
    jz boot_fatal

    # Directory entries: present, writable, 4 MiB (SDM volume 3, table 4-4).
    movl $(quire_page_directory - KERNEL_BASE), %ecx
    movl $0x83, %eax
1:  movl %eax, (%ecx)
    addl $4, %ecx
    addl $0x400000, %eax
    jnc 1b
    movl $0x83, quire_page_directory - KERNEL_BASE + (KERNEL_BASE >> 22) * 4

    movl %cr4, %eax
    orl $(1 << 4), %eax                 # PSE
    movl %eax, %cr4
    movl $(quire_page_directory - KERNEL_BASE), %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $((1 << 31) | (1 << 16)), %eax  # PG; WP: the kernel obeys read-only pages, too
    movl %eax, %cr0
    movl $high, %eax
    jmp *%eax

high:
    movl $quire_boot_stack_top, %esp
    movl %ebp, %eax
    xorl %ebp, %ebp                     # backtraces end here
    pushl %edi
    pushl %eax
    call quire_boot                     # (magic, information); does not return
2:  cli
    hlt
    jmp 2b

# The processor cannot run the C++ part: one line to COM4, esi = text, and the exit protocol (kernel/console/exit.hpp).
boot_fatal:
    movw $0x2E9, %dx
    xorb %al, %al
    outb %al, %dx                       # no interrupts
    movw $0x2EB, %dx
    movb $0x80, %al
    outb %al, %dx                       # divisor latch
    movw $0x2E8, %dx
    movb $1, %al
    outb %al, %dx                       # 115200 baud
    incw %dx
    xorb %al, %al
    outb %al, %dx
    movw $0x2EB, %dx
    movb $3, %al
    outb %al, %dx                       # 8 bits, no parity
    call boot_print
    movl $(boot_exit - KERNEL_BASE), %esi
    call boot_print
    movl $1, %eax
    outl %eax, $0xF4
3:  hlt
    jmp 3b

boot_print:
4:  movb (%esi), %ah
    incl %esi
    testb %ah, %ah
    jz 6f
    movw $0x2ED, %dx
5:  inb %dx, %al
    testb $0x20, %al                    # room; a port that does not exist reads 0xFF
    jz 5b
    movw $0x2E8, %dx
    movb %ah, %al
    outb %al, %dx
    jmp 4b
6:  ret

.section .rodata.boot, "a"
no_cpuid:  .asciz "quire: fatal: this processor is too old: it has no CPUID instruction\n"
no_pse:    .asciz "quire: fatal: this processor is too old: it has no 4 MiB pages (PSE)\n"
no_cmov:   .asciz "quire: fatal: this processor is too old: it has no CMOV instruction (i686)\n"
no_fxsr:   .asciz "quire: fatal: this processor is too old: it has no FXSAVE instruction\n"
no_sse:    .asciz "quire: fatal: this processor is too old: it has no SSE\n"
boot_exit: .asciz "quire: exit 125\n"

.section .note.GNU-stack, "", @progbits
