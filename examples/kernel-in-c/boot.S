/* From the boot loader to main(): a stack, and paging with the first 4 MiB as they are. */
    .section .multiboot, "a"
    .align 4
    .long 0x1BADB002, 3, -(0x1BADB002 + 3)      /* Multiboot 1: page-aligned modules, memory map */

    .section .text
    .global start
start:
    mov $stack_end, %esp
    push %ebx                                   /* what the boot loader found out */

    /* Tables: the first 4 MiB, the windows, the list. Bit 0: present, bit 1: writable, bit 9: holds a frame. */
    mov $boot_table, %edi
    mov $0x203, %eax
    mov $1024, %ecx
1:  stosl
    add $0x1000, %eax
    loop 1b
    movl $(boot_table + 0x203), boot_directory
    movl $(window_table + 0x203), boot_directory + 768 * 4
    movl $(boot_list_table + 0x203), boot_directory + 1022 * 4
    movl $(boot_directory + 0x203), boot_directory + 1023 * 4
    mov $boot_directory, %eax
    mov %eax, %cr3
    mov %cr0, %eax
    or $0x80010000, %eax                        /* paging, and the kernel heeds read-only pages too (WP) */
    mov %eax, %cr0
    call main
    hlt

    /* Exceptions: an error code of 0 where the processor pushes none, then the number. */
    .macro exception number, has_code
exception_\number:
    .if \has_code == 0
    push $0
    .endif
    push $\number
    jmp enter
    .endm
    .irp number, 0,1,2,3,4,5,6,7,9,15,16,18,19
    exception \number, 0
    .endr
    .irp number, 8,10,11,12,13,14,17
    exception \number, 1
    .endr

enter:
    pusha
    mov %cr2, %eax
    push 40(%esp)                               /* instruction */
    push %eax                                   /* address */
    push 44(%esp)                               /* error code */
    push 44(%esp)                               /* number */
    call handle_exception
    add $16, %esp
    popa
    add $8, %esp
    iret

    .section .rodata
    .global exception_entries
exception_entries:
    .irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19
    .long exception_\number
    .endr

    .section .bss
    .align 4096
    .global boot_directory, boot_list_table, zero_page
boot_directory: .skip 4096
boot_table: .skip 4096
window_table: .skip 4096
boot_list_table: .skip 4096
zero_page: .skip 4096
    .skip 16384
stack_end:
    .section .note.GNU-stack, "", @progbits
